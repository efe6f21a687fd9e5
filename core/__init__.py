"""The product itself: no bpy, usable as a library, from the command line and by the worker."""
