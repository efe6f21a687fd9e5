"""likeness.add_video: the frames of a video that show a person from many sides become the reference photo and further photos."""

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.animation.video_frames import VideoFrames
from ..core.errors import InputError
from ..scene.photo import pack_picture
from ..worker.client import shared_client
from .environment import worker_python
from .file import FileOperator
from .further_photos import add_further
from .job import JobOperator
from .worker_job import ChoosingFrames


class LIKENESS_OT_add_video(FileOperator, JobOperator, bpy.types.Operator):
    """Take sharp frames of a video in which the person turns, or is walked around, as photos of this person"""

    bl_idname = "likeness.add_video"
    bl_label = "Add from Video"
    bl_options = {"REGISTER", "UNDO"}

    filter_folder: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    filter_movie: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(options={"SKIP_SAVE", "HIDDEN"})

    def start_job(self, context: bpy.types.Context) -> ChoosingFrames:
        source = self.chosen()
        if not self.filepath or not source.is_file():
            raise InputError(f"{source} does not exist; choose a video.")
        return ChoosingFrames(shared_client(worker_python(context)), source)

    def use(self, context: bpy.types.Context, outcome: VideoFrames) -> str:
        images = [pack_picture(name, picture) for name, picture in zip(outcome.names, outcome.pictures, strict=True)]
        properties, rest = context.scene.likeness, images
        if properties.photo is None:
            properties.photo, *rest = images
        add_further(properties, rest)
        if outcome.note:
            self.report({"WARNING"}, outcome.note)
        count = len(images)
        return f"{count} frame{'' if count == 1 else 's'} of {outcome.source} {'is' if count == 1 else 'are'} in the list of photos"
