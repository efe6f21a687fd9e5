"""The command line, an outer ring: networks run in the worker's process, Blender in one of its own."""
