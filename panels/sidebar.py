"""The Likeness tab of the 3D view's sidebar: reference photo, quality, the button, and what the last result is worth."""

import functools
import json
from dataclasses import fields
from typing import Any

import bpy

from ..core.result import DOUBTFUL
from ..core.settings import Settings, is_in_use
from ..operators import estimates, job
from ..operators.environment import environment_status
from ..scene.body_rig import body_of, body_rig_of
from ..scene.build import PROPERTY_PREFIX
from ..scene.rig import RECONSTRUCTED, head_of, rig_of
from ..scene.source import is_result
from .presets import LIKENESS_PT_presets
from .text import draw_failure, draw_text

CORRECTIONS = ("subject_index", "focal", "eye_distance", "crop_left", "crop_right", "crop_top", "crop_bottom")
"""The settings that correct.py draws."""
_MAIN_OPTIONS = ("subject", "quality", "rig")
PRINT_OPTIONS = ("print_height", "print_wall", "plinth")


class Sidebar:
    """Where the extension's panels are."""

    layout: bpy.types.UILayout
    help_topic = ""
    """Of operators/help.py: what the header's question mark says."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Likeness"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """What stands at the right end of the header."""
        if self.help_topic:
            self.layout.operator("likeness.help", text="", icon="QUESTION", emboss=False).topic = self.help_topic


class LIKENESS_PT_reconstruct(Sidebar, bpy.types.Panel):
    """The reference photo, the main options and the button; the running job, and the last failure."""

    bl_idname = "LIKENESS_PT_reconstruct"
    bl_label = "Reconstruct"
    help_topic = "reconstruct"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        LIKENESS_PT_presets.draw_panel_header(self.layout)
        super().draw_header_preset(context)

    def draw(self, context: bpy.types.Context) -> None:
        layout, properties, running = self.layout, context.scene.likeness, job.current()
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.enabled = running is None
        if properties.photo is not None:
            column.template_icon(icon_value=properties.photo.preview_ensure().icon_id, scale=5)
        row = column.row(align=True)
        row.prop(properties, "photo")
        row.operator("likeness.load_photo", text="", icon="FILE_FOLDER")
        for name in _MAIN_OPTIONS:
            column.prop(properties, name)

        status = environment_status(context)
        if running is not None:
            layout.progress(factor=running.fraction, text=job.said(running))
            layout.operator("likeness.cancel", icon="X")
        elif status.ready:
            row = layout.row()
            row.scale_y = 1.4
            row.operator("likeness.reconstruct", icon="USER")
            if properties.photo is not None:
                row = layout.row()
                row.active, row.alignment = False, "CENTER"
                row.label(text=estimates.sentence(properties.settings()))
        else:
            draw_text(layout, status.reason, "INFO", columns(context))
            layout.operator("likeness.set_up_environment", icon="IMPORT")
        draw_failure(layout, columns(context))


class LIKENESS_PT_advanced(Sidebar, bpy.types.Panel):
    """All other options."""

    bl_idname = "LIKENESS_PT_advanced"
    bl_label = "Advanced"
    bl_parent_id = "LIKENESS_PT_reconstruct"
    bl_options = {"DEFAULT_CLOSED"}
    help_topic = "advanced"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = job.current() is None
        for option in fields(Settings):
            if option.name not in (*_MAIN_OPTIONS, *CORRECTIONS, *PRINT_OPTIONS):
                row = layout.row()
                row.active = is_in_use(option.name, context.scene.likeness)
                row.prop(context.scene.likeness, option.name)
                if page := option.metadata["page"]:
                    row.operator("wm.url_open", text="Get…", icon="URL").url = page


class LIKENESS_PT_result(Sidebar, bpy.types.Panel):
    """What the report of the active head says about it."""

    bl_idname = "LIKENESS_PT_result"
    bl_label = "Result"
    help_topic = "result"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _described(context) is not None

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        head = _described(context)
        if head is not None:
            self.layout.label(text=head.name, icon="USER")
        super().draw_header_preset(context)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        report = report_of_active(context)
        if report is None:
            layout.label(text="The report on this object cannot be read", icon="ERROR")
            return
        if report.get("quality") == DOUBTFUL:
            layout.label(text="Doubtful result", icon="ERROR")
        for warning in report.get("warnings", []):
            draw_text(layout, str(warning), "ERROR", columns(context))
        for note in report.get("notes", []):
            draw_text(layout, str(note), "INFO", columns(context))
        column = layout.column(align=True)
        column.scale_y = 0.8  # the whole tab should fit a small screen
        for name, value in figures(report):
            row = column.split(factor=0.6)
            row.label(text=name)
            row.label(text=value)


def _described(context: bpy.types.Context) -> bpy.types.Object | None:
    """The active object when it is a reconstruction, or a head or body of the rig when it is the armature or the eyes' target."""
    item = context.object
    if item is None or item.type == "MESH":
        return item if is_result(item) else None
    rig, body_rig = rig_of(item), body_rig_of(item)
    heads = (*((head_of(rig), head_of(rig, RECONSTRUCTED)) if rig else ()), *((body_of(body_rig),) if body_rig else ()))
    return next((head for head in heads if is_result(head)), None)


def figures(report: dict[str, Any]) -> list[tuple[str, str]]:
    """What an artist wants to know of a result, as (name, value); only what the report tells."""
    rows = [
        ("Silhouette Overlap", "silhouette_iou", "{:.1%}"),
        ("Landmark Error", "landmark_error", "{:.1%}"),
        ("Copied from Photo", "observed_share", "{:.0%}"),
        ("Height", "height", "{:.2f} m"),
    ]
    found = [(name, form.format(report[key])) for name, key, form in rows if isinstance(report.get(key), int | float)]
    named, weights = report.get("settings"), report.get("weights")
    if isinstance(named, dict) and isinstance(weights, dict):
        for option in fields(Settings):
            digest = weights.get(f"{option.name}/{named.get(option.name)}")
            if option.metadata["is_file"] and digest:
                found.append((option.metadata["label"], f"{named[option.name]} ({str(digest)[:12]})"))
    timings = report.get("timings")
    if isinstance(timings, dict) and timings:
        found.append(("Time", f"{sum(timings.values()):.0f} s"))
    return found


def report_of_active(context: bpy.types.Context) -> dict[str, Any] | None:
    """The report of the active result; None where there is none that can be read."""
    head = _described(context)
    return None if head is None else _report(head[PROPERTY_PREFIX + "report"])


def columns(context: bpy.types.Context) -> int:
    """Characters in a line of the sidebar beside an icon, roughly."""
    width = context.region.width / context.preferences.system.ui_scale if context.region else 240
    return max(16, int((width - 70) / 6.6))


@functools.lru_cache(maxsize=8)
def _report(text: str) -> dict[str, Any] | None:
    """Panels are redrawn often and the report is a few kilobytes. Blend files come from anywhere: whatever is not an object is None."""
    try:
        report = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) else None
