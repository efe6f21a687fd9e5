"""likeness.animate_video: the face in a video or a sequence of pictures animates the rigged head."""

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from ..core.animation.performance import Performance
from ..core.errors import InputError
from ..core.photo.files import SUFFIXES
from ..scene.animation import animate
from ..scene.typed import scene_of
from ..worker.client import shared_client
from .environment import worker_python
from .tracking import TrackingOperator, span
from .worker_job import Tracking


class LIKENESS_OT_animate_video(TrackingOperator, bpy.types.Operator):
    """Animate the selected head with the face in a video; a picture stands for all pictures in its folder"""

    bl_idname = "likeness.animate_video"
    bl_label = "Animate from Video"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(options={"SKIP_SAVE", "HIDDEN"})  # all kinds that the next two stand for
    filter_movie: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    filter_image: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    smoothing: FloatProperty(
        name="Smoothing",
        description="Length of the window over which the movement is smoothed; 0 keeps every tremor",
        default=0.2,
        min=0.0,
        max=2.0,
        subtype="TIME_ABSOLUTE",
    )

    def start_job(self, context: bpy.types.Context) -> Tracking:
        source = self.chosen()
        if not self.filepath or not source.exists():
            raise InputError(f"{source} does not exist; choose a video or a folder of pictures.")
        if source.suffix.lower() in SUFFIXES:
            source = source.parent
        return Tracking(shared_client(worker_python(context)), source, self.smoothing)

    def apply(self, context: bpy.types.Context, armature: bpy.types.Object, performance: Performance) -> str:
        scene = scene_of(context)
        return span(armature, *animate(scene, armature, performance, scene.frame_current))
