"""Operators, one a file: each gathers settings, makes one call and reports. Registered by the extension's __init__.py."""

CLASSES: tuple[type, ...] = ()
