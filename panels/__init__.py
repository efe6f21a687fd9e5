"""Sidebar, preferences and property groups. Registered by the extension's __init__.py."""

CLASSES: tuple[type, ...] = ()
