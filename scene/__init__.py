"""Blender data from results; the only place where the Blender frame exists. Works in 4.5 to 5.x, with or without a window."""
