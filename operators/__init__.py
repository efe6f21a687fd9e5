"""Operators, one a file: each gathers settings, makes one call and reports. Registered by the extension's __init__.py."""

from . import command, job
from .animate_video import LIKENESS_OT_animate_video
from .bake_uvs import LIKENESS_OT_bake_uvs
from .cancel import LIKENESS_OT_cancel
from .copy_expression import LIKENESS_OT_copy_expression
from .copy_report import LIKENESS_OT_copy_report
from .deform_reconstructed import LIKENESS_OT_deform_reconstructed
from .export_rig import LIKENESS_OT_export_rig
from .import_live_link import LIKENESS_OT_import_live_link
from .load_photo import LIKENESS_FH_photo, LIKENESS_OT_load_photo
from .pose_body import LIKENESS_OT_pose_body
from .pose_rig import LIKENESS_OT_pose_rig
from .reconstruct import LIKENESS_OT_reconstruct
from .retopologise import LIKENESS_OT_retopologise
from .self_test import LIKENESS_OT_self_test
from .set_up_environment import LIKENESS_OT_set_up_environment
from .show_head import LIKENESS_OT_show_head
from .transfer_data import LIKENESS_OT_transfer_data
from .use_camera import LIKENESS_OT_use_camera

CLASSES: tuple[type, ...] = (
    LIKENESS_OT_animate_video,
    LIKENESS_OT_bake_uvs,
    LIKENESS_OT_cancel,
    LIKENESS_OT_copy_expression,
    LIKENESS_OT_copy_report,
    LIKENESS_OT_deform_reconstructed,
    LIKENESS_OT_export_rig,
    LIKENESS_OT_import_live_link,
    LIKENESS_OT_load_photo,
    LIKENESS_OT_pose_body,
    LIKENESS_OT_pose_rig,
    LIKENESS_OT_reconstruct,
    LIKENESS_OT_retopologise,
    LIKENESS_OT_self_test,
    LIKENESS_OT_set_up_environment,
    LIKENESS_OT_show_head,
    LIKENESS_OT_transfer_data,
    LIKENESS_OT_use_camera,
    LIKENESS_FH_photo,
)

__all__ = ["CLASSES", "command", "job"]
