"""likeness.find_people and choose_person: everybody in the reference photo as pictures to click."""

import bpy
from bpy.props import IntProperty

from ..core.inspection import Inspection
from ..worker.client import shared_client
from . import thumbnails
from .base import LikenessOperator
from .environment import worker_python
from .job import JobOperator
from .photo_job import Inspecting

_found: tuple[str, Inspection] | None = None
"""The photo's name, and who is in it."""


def found(photo: bpy.types.Image | None) -> Inspection | None:
    """What the last search found, if it was in this photo."""
    return _found[1] if _found is not None and photo is not None and photo.name == _found[0] else None


class LIKENESS_OT_find_people(JobOperator, bpy.types.Operator):
    """Find everybody in the reference photo, to choose one; also reads the photo's focal length"""

    bl_idname = "likeness.find_people"
    bl_label = "Find People"
    bl_options = {"INTERNAL"}

    _photo = ""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if context.scene.likeness.photo is None:
            return "There is no reference photo; choose one in the sidebar's Likeness tab"
        return super().refusal(context)

    def start_job(self, context: bpy.types.Context) -> Inspecting:
        properties = context.scene.likeness
        self._photo = properties.photo.name
        return Inspecting(shared_client(worker_python(context)), properties.photo, properties.settings())

    def use(self, context: bpy.types.Context, outcome: Inspection) -> str:
        global _found
        _found = self._photo, outcome
        thumbnails.show(outcome.thumbnails)
        count = len(outcome.boxes)
        return f"{self._photo} shows {count} {'person' if count == 1 else 'people'}"


class LIKENESS_OT_choose_person(LikenessOperator, bpy.types.Operator):
    """Make this person; a second click on the chosen one takes the largest again"""

    bl_idname = "likeness.choose_person"
    bl_label = "Choose Person"
    bl_options = {"REGISTER", "UNDO"}

    person: IntProperty(name="Person", description="Number from the left, from 0", min=0)

    def run(self, context: bpy.types.Context) -> str:
        properties = context.scene.likeness
        properties.subject_index = -1 if properties.subject_index == self.person else self.person
        properties.all_subjects = False
        return ""
