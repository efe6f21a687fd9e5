"""likeness.help: what a panel is for, in a few sentences that need no network."""

import textwrap
from typing import Any

import bpy
from bpy.props import StringProperty

from .base import LikenessOperator

_WIDTH = 420
_LETTERS = 64

TOPICS: dict[str, tuple[str, ...]] = {
    "reconstruct": (
        "Choose a photo, or drop one on the 3D view, and press the button. A clear photo from the front with even light and the "
        "whole head "
        "in it gives the best result; the face needs at least 48 pixels, some 300 are better.",
        "Draft is for a look, Standard for work, High for sculpting detail. Nothing leaves this computer.",
        "Presets of all settings are behind the icon in this panel's header.",
    ),
    "photos": (
        "Photos of the same person from other sides show what the reference photo hides. Front, both profiles and the back of the head, "
        "taken one after the other in even light, are worth most; hair and glasses should be the same in all.",
        "The result has the reference photo's pose and expression; the star makes another photo that one. A photo that shows somebody "
        "else, or nothing of use, is left out, and the result says so.",
    ),
    "print": (
        "Export for Printing writes the reconstruction as a closed 3MF file with colours, or as an STL file, in millimetres and as tall as "
        "Print Height says. Its base is cut flat; a plinth and hollow walls are options.",
        "The thinnest place is reported: most printers need a millimetre or more.",
    ),
    "advanced": (
        "Everything here has a default that suits most photos; a tooltip says what each option changes.",
        "Files of your own (FLAME, detail networks, landmark networks) are read where they are and never copied.",
    ),
    "result": (
        "Silhouette Overlap says how well the head fills the person's outline, Landmark Error how far the face's points are from "
        "the photo's "
        "as a share of the eyes' distance, Copied from Photo how much of the surface the photo shows; the rest is guessed and "
        "marked as such "
        "in the attribute observed.",
        "What is doubtful is said in sentences above the figures.",
    ),
    "view": (
        "Show Colours shows the photo's colours in the Solid view; Wire lays the mesh as lines over the photo.",
        "The photo is the background of the photo's camera; Photo Opacity and whether it is drawn in front are that camera's own settings.",
    ),
    "manage": (
        "Delete with Cameras removes all that a reconstruction made, and nothing that you made or copied.",
        "Repeat with these Settings makes the result again from the same photo with the settings that this one was made with.",
        "Set Up Retopo adds an empty mesh that snaps to the result; the vertex groups and face sets of the result name its parts.",
    ),
    "correct": (
        "Find People shows everybody in the photo; a click chooses who is made. The crop leaves out parts of the photo.",
        "Edit Pins puts named points on the face. Move them over the photo's camera view, G, until they lie where they belong; "
        "the wire of the "
        "face follows. Lock holds points that are right. Apply makes the head again with them.",
        "Paint Mask shows what was taken for the person, for Blender's own Texture Paint: white is the person.",
    ),
    "head_rig": (
        "The rigged head has one bone each for neck, head, jaw and eyes, and 52 shape keys of ARKit's names.",
        "Photo Pose is as in the photo, Rest Pose neutral. Copy Expression takes the face of another photo, Animate from Video that of a "
        "video.",
    ),
    "body_rig": ("The armature has Rigify's names. Photo Pose is as in the photo, A-Pose stands straight with arms held off.",),
    "bake": (
        "Lay a mesh of your own, with a UV map, on a reconstruction, select it and bake: the photo's colours become its texture.",
        "Put the mesh into the reconstruction's collection where a scene has several.",
    ),
}
"""Paragraphs by the panel's topic."""


class LIKENESS_OT_help(LikenessOperator, bpy.types.Operator):
    """What this panel is for"""

    bl_idname = "likeness.help"
    bl_label = "Likeness Help"
    bl_options = {"INTERNAL"}

    topic: StringProperty(options={"SKIP_SAVE", "HIDDEN"})

    def ask(self, context: bpy.types.Context) -> set[str] | None:
        return context.window_manager.invoke_popup(self, width=_WIDTH)

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        column = layout.column(align=True)
        for paragraph in TOPICS.get(self.topic, ()):
            for line in textwrap.wrap(paragraph, _LETTERS):
                column.label(text=line)
            column.separator()

    def run(self, context: bpy.types.Context) -> str:
        return " ".join(TOPICS.get(self.topic, ()))
