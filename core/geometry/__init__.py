"""Shared geometry: meshes, rasterisation by fragments, closest points. Frames are the caller's unless a docstring says otherwise."""
