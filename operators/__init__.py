"""Operators, one a file: each gathers settings, makes one call and reports. Registered by the extension's __init__.py."""

from . import command, job, photo_job, pins_live, thumbnails
from .add_landmarks import LIKENESS_OT_add_landmarks
from .add_video import LIKENESS_OT_add_video
from .animate_video import LIKENESS_OT_animate_video
from .bake_uvs import LIKENESS_OT_bake_uvs
from .cancel import LIKENESS_OT_cancel
from .copy_expression import LIKENESS_OT_copy_expression
from .copy_report import LIKENESS_OT_copy_report
from .deform_reconstructed import LIKENESS_OT_deform_reconstructed
from .delete_result import LIKENESS_OT_delete_result
from .edit_pins import LIKENESS_OT_edit_pins
from .export_print import LIKENESS_OT_export_print
from .export_rig import LIKENESS_OT_export_rig
from .further_photos import (
    LIKENESS_OT_add_photos,
    LIKENESS_OT_main_photo,
    LIKENESS_OT_move_photo,
    LIKENESS_OT_remove_photo,
)
from .help import LIKENESS_OT_help
from .import_live_link import LIKENESS_OT_import_live_link
from .load_photo import LIKENESS_FH_photo, LIKENESS_OT_load_photo
from .mark_asset import LIKENESS_OT_mark_asset
from .mask import LIKENESS_OT_apply_mask, LIKENESS_OT_cancel_mask, LIKENESS_OT_paint_mask
from .people import LIKENESS_OT_choose_person, LIKENESS_OT_find_people
from .pins import LIKENESS_OT_add_pin, LIKENESS_OT_apply_pins, LIKENESS_OT_cancel_pins, LIKENESS_OT_lock_pins
from .pose_body import LIKENESS_OT_pose_body
from .pose_rig import LIKENESS_OT_pose_rig
from .reconstruct import LIKENESS_OT_reconstruct
from .repeat_settings import LIKENESS_OT_repeat_settings
from .retopologise import LIKENESS_OT_retopologise
from .rigify import LIKENESS_OT_rigify
from .select_result import LIKENESS_OT_select_result
from .self_test import LIKENESS_OT_self_test
from .set_up_environment import LIKENESS_OT_set_up_environment
from .set_up_retopo import LIKENESS_OT_set_up_retopo
from .show_colours import LIKENESS_OT_show_colours
from .show_head import LIKENESS_OT_show_head
from .standard_view import LIKENESS_OT_standard_view
from .transfer_data import LIKENESS_OT_transfer_data
from .use_camera import LIKENESS_OT_use_camera
from .wire_over_photo import LIKENESS_OT_wire_over_photo

CLASSES: tuple[type, ...] = (
    LIKENESS_OT_add_landmarks,
    LIKENESS_OT_add_pin,
    LIKENESS_OT_animate_video,
    LIKENESS_OT_apply_mask,
    LIKENESS_OT_apply_pins,
    LIKENESS_OT_bake_uvs,
    LIKENESS_OT_cancel,
    LIKENESS_OT_cancel_mask,
    LIKENESS_OT_cancel_pins,
    LIKENESS_OT_choose_person,
    LIKENESS_OT_copy_expression,
    LIKENESS_OT_copy_report,
    LIKENESS_OT_deform_reconstructed,
    LIKENESS_OT_export_print,
    LIKENESS_OT_delete_result,
    LIKENESS_OT_edit_pins,
    LIKENESS_OT_export_rig,
    LIKENESS_OT_find_people,
    LIKENESS_OT_help,
    LIKENESS_OT_import_live_link,
    LIKENESS_OT_load_photo,
    LIKENESS_OT_add_photos,
    LIKENESS_OT_add_video,
    LIKENESS_OT_remove_photo,
    LIKENESS_OT_move_photo,
    LIKENESS_OT_main_photo,
    LIKENESS_OT_lock_pins,
    LIKENESS_OT_mark_asset,
    LIKENESS_OT_paint_mask,
    LIKENESS_OT_pose_body,
    LIKENESS_OT_pose_rig,
    LIKENESS_OT_reconstruct,
    LIKENESS_OT_repeat_settings,
    LIKENESS_OT_select_result,
    LIKENESS_OT_retopologise,
    LIKENESS_OT_rigify,
    LIKENESS_OT_self_test,
    LIKENESS_OT_set_up_environment,
    LIKENESS_OT_set_up_retopo,
    LIKENESS_OT_show_colours,
    LIKENESS_OT_show_head,
    LIKENESS_OT_standard_view,
    LIKENESS_OT_transfer_data,
    LIKENESS_OT_use_camera,
    LIKENESS_OT_wire_over_photo,
    LIKENESS_FH_photo,
)

__all__ = ["CLASSES", "command", "job", "photo_job", "pins_live", "thumbnails"]
