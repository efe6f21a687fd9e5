"""What the operators that track a face share: a file is chosen first, then a job runs for the active rigged head."""

import bpy

from ..core.animation.performance import Performance
from ..core.errors import InputError
from ..scene.rig import rig_of
from .file import PictureOperator
from .job import Job, JobOperator
from .rig import RigOperator, active_rig


class TrackingOperator(RigOperator, PictureOperator, JobOperator):
    """Mixin: `start_job` begins to track `chosen()`, `apply` puts the performance on the armature and returns the closing message."""

    _rig = ""

    def apply(self, context: bpy.types.Context, armature: bpy.types.Object, performance: Performance) -> str:
        """Put a performance on the armature; the closing message. Raises InputError."""
        raise NotImplementedError

    def use(self, context: bpy.types.Context, outcome: Performance) -> str:
        armature = rig_of(bpy.data.objects.get(self._rig))
        if armature is None:
            raise InputError("The rigged head has gone meanwhile; select one and try again.")
        for note in outcome.warnings:
            self.report({"WARNING"}, note)
        return self.apply(context, armature, outcome)

    def _begin(self, context: bpy.types.Context) -> Job:
        # The artist may select something else while the job runs.
        self._rig = active_rig(context).name
        return super()._begin(context)


def span(armature: bpy.types.Object, first: float, last: float) -> str:
    """The closing message of what writes keyframes."""
    return f"{armature.name} is animated from frame {first:.0f} to {last:.0f}; its former actions are kept"
