"""The sidebar's Correct: who is made and from which part of the photo, then pins and the mask of a result."""

import bpy

from ..operators import job, people, thumbnails
from ..operators.mask import painted
from ..operators.pins import edited
from ..scene.source import heads_of
from .sidebar import Sidebar

_IN_A_ROW = 4


class LIKENESS_PT_correct(Sidebar, bpy.types.Panel):
    """What can be put right by hand, before and after a reconstruction."""

    bl_idname = "LIKENESS_PT_correct"
    bl_label = "Correct"
    bl_options = {"DEFAULT_CLOSED"}
    help_topic = "correct"

    def draw(self, context: bpy.types.Context) -> None:
        layout, properties = self.layout, context.scene.likeness
        layout.enabled = job.current() is None
        column = layout.column()
        column.operator("likeness.find_people", icon="VIEWZOOM")
        seen = people.found(properties.photo)
        if seen is not None:
            grid = column.grid_flow(row_major=True, columns=_IN_A_ROW, even_columns=True, align=True)
            for number, icon in enumerate(thumbnails.numbers()):
                cell = grid.column(align=True)
                cell.template_icon(icon_value=icon, scale=3)
                chosen = properties.subject_index == number
                cell.operator("likeness.choose_person", text=str(number), depress=chosen).person = number
        column = layout.column(align=True)
        column.use_property_split, column.use_property_decorate = True, False
        column.prop(properties, "subject_index", text="Person" if properties.subject_index >= 0 else "Person (Auto)")
        known = None if seen is None else seen.focal_35mm
        column.prop(properties, "focal", text="Focal (mm)" if properties.focal else f"EXIF {known:.0f} mm" if known else "Focal (Auto)")
        column.prop(properties, "eye_distance")
        for label, sides in (("Crop Width", ("left", "right")), ("Crop Height", ("top", "bottom"))):
            row = column.row(align=True)
            for side, text in zip(sides, (label, ""), strict=True):
                row.prop(properties, f"crop_{side}", text=text, slider=True)
        self._of_result(context)

    def _of_result(self, context: bpy.types.Context) -> None:
        """Pins and mask of what is active, or is being edited."""
        layout = self.layout
        if edited(context) is not None:
            box = layout.box()
            row = box.row(align=True)
            row.operator("likeness.add_pin", icon="ADD")
            row.operator("likeness.lock_pins", text="", icon="LOCKED").locked = True
            row.operator("likeness.lock_pins", text="", icon="UNLOCKED").locked = False
            row = box.row(align=True)
            row.operator("likeness.apply_pins", icon="CHECKMARK")
            row.operator("likeness.cancel_pins", text="", icon="X")
        elif painted(context) is not None:
            row = layout.box().row(align=True)
            row.operator("likeness.apply_mask", icon="CHECKMARK")
            row.operator("likeness.cancel_mask", text="", icon="X")
        elif heads_of(context.object):
            row = layout.row(align=True)
            row.operator("likeness.edit_pins", icon="PINNED")
            row.operator("likeness.paint_mask", icon="TPAINT_HLT")
