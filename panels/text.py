"""Sentences in the interface."""

import textwrap
from typing import Any

import bpy

from ..operators import failure


def draw_text(layout: bpy.types.UILayout, text: str, icon: str, width: int) -> None:
    """A sentence over lines of `width` characters; Blender's labels do not wrap by themselves."""
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, width)):
        name: Any = "BLANK1" if number else icon
        column.label(text=line, icon=name)


def draw_failure(layout: bpy.types.UILayout, width: int) -> None:
    """The last failure that has a report, with the button that copies it; nothing when there is none."""
    found = failure.last()
    if found is not None:
        box = layout.box()
        draw_text(box, found.sentence, "ERROR", width)
        box.operator("likeness.copy_report", icon="COPYDOWN")
