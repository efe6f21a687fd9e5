"""Sentences in the interface."""

import textwrap

import bpy


def draw_text(layout: bpy.types.UILayout, text: str, icon: str, width: int) -> None:
    """A sentence over lines of `width` characters; Blender's labels do not wrap by themselves."""
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, width)):
        column.label(text=line, icon="BLANK1" if number else icon)
