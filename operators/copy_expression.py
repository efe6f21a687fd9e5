"""likeness.copy_expression: the face in another photo poses the rigged head."""

import bpy

from ..core.animation.performance import Performance
from ..core.errors import InputError
from ..core.photo.files import KINDS, SUFFIXES
from ..scene.animation import apply_pose
from ..worker.client import shared_client
from .environment import worker_python
from .tracking import TrackingOperator
from .worker_job import Tracking


class LIKENESS_OT_copy_expression(TrackingOperator, bpy.types.Operator):
    """Give the selected head the expression, gaze and neck of the face in another photo, of anybody"""

    bl_idname = "likeness.copy_expression"
    bl_label = "Copy Expression from Photo"
    bl_options = {"REGISTER", "UNDO"}

    def start_job(self, context: bpy.types.Context) -> Tracking:
        source = self.chosen()
        if source.suffix.lower() not in SUFFIXES:
            raise InputError(f"{source.name or 'The choice'} is no photo; choose a {KINDS} file.")
        return Tracking(shared_client(worker_python(context)), source, 0.0)

    def apply(self, context: bpy.types.Context, armature: bpy.types.Object, performance: Performance) -> str:
        apply_pose(armature, performance)
        return f"The head shows the expression of {performance.name}"
