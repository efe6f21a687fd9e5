"""The process boundary: everything that needs torch runs in a process of its own, which Blender outlives."""
