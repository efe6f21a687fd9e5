"""The sidebar's Further Photos: a list of more pictures of the person, and what each of them added to the active result."""

from typing import Any

import bpy

from ..operators import job
from ..operators.further_photos import photos_in_use
from .sidebar import Sidebar, columns, report_of_active
from .text import draw_text


class LIKENESS_UL_photos(bpy.types.UIList):
    """Further photos with their pictures, to be ticked."""

    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon: Any,
        active_data: Any,
        active_property: Any,
        index: Any = 0,
        flt_flag: Any = 0,
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        row.prop(item, "image", text="", emboss=False, icon_value=0 if item.image is None else item.image.preview_ensure().icon_id)


class LIKENESS_PT_photos(Sidebar, bpy.types.Panel):
    """More photos of the person: added, ordered, switched off."""

    bl_idname = "LIKENESS_PT_photos"
    bl_label = "Further Photos"
    bl_parent_id = "LIKENESS_PT_reconstruct"
    bl_options = {"DEFAULT_CLOSED"}
    help_topic = "photos"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        count = len(photos_in_use(context.scene.likeness)) - 1
        if count > 0:
            self.layout.label(text=str(count))
        super().draw_header_preset(context)

    def draw(self, context: bpy.types.Context) -> None:
        layout, properties = self.layout, context.scene.likeness
        layout.enabled = job.current() is None
        row = layout.row()
        row.template_list("LIKENESS_UL_photos", "", properties, "further", properties, "further_index", rows=3)
        side = row.column(align=True)
        side.operator("likeness.add_photos", text="", icon="ADD")
        side.operator("likeness.add_video", text="", icon="FILE_MOVIE")
        side.operator("likeness.remove_photo", text="", icon="REMOVE")
        side.separator()
        side.operator("likeness.move_photo", text="", icon="TRIA_UP").direction = "UP"
        side.operator("likeness.move_photo", text="", icon="TRIA_DOWN").direction = "DOWN"
        side.separator()
        side.operator("likeness.main_photo", text="", icon="SOLO_ON")
        report = report_of_active(context)
        for told in (report or {}).get("photos", []):
            draw_text(layout, photo_sentence(told), "INFO" if told.get("used") else "ERROR", columns(context))


def photo_sentence(told: dict) -> str:
    """What a result's report says about one of its photos."""
    if not told.get("used"):
        return str(told.get("reason") or f"{told.get('photo')} was left out.")
    share = told.get("added")
    added = f", gives {share:.0%} of the surface its colour" if isinstance(share, float) else ""
    return f"{told.get('photo')}: {told.get('role')}, turned by {float(told.get('turn', 0)):.0f}°{added}"
