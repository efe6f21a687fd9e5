"""Sidebar, preferences and property groups. Registered by the extension's __init__.py."""

from .bake import LIKENESS_PT_bake
from .body_rig import LIKENESS_PT_body_rig
from .correct import LIKENESS_PT_correct
from .head_rig import LIKENESS_PT_head_rig, LIKENESS_PT_reconstructed
from .manage import LIKENESS_PT_manage
from .photos import LIKENESS_PT_photos, LIKENESS_UL_photos
from .preferences import LIKENESS_AP_preferences
from .presets import LIKENESS_OT_add_preset, LIKENESS_PT_presets
from .print import LIKENESS_PT_print
from .properties import LIKENESS_PG_photo, LIKENESS_PG_reconstruction
from .sidebar import LIKENESS_PT_advanced, LIKENESS_PT_reconstruct, LIKENESS_PT_result
from .view import LIKENESS_PT_view

CLASSES: tuple[type, ...] = (
    LIKENESS_PG_photo,
    LIKENESS_PG_reconstruction,
    LIKENESS_AP_preferences,
    LIKENESS_OT_add_preset,
    LIKENESS_PT_presets,
    LIKENESS_PT_reconstruct,
    LIKENESS_UL_photos,
    LIKENESS_PT_photos,
    LIKENESS_PT_advanced,
    LIKENESS_PT_correct,
    LIKENESS_PT_result,
    LIKENESS_PT_view,
    LIKENESS_PT_manage,
    LIKENESS_PT_head_rig,
    LIKENESS_PT_reconstructed,
    LIKENESS_PT_body_rig,
    LIKENESS_PT_bake,
    LIKENESS_PT_print,
)
