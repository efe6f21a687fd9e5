"""Operators, one a file: each gathers settings, makes one call and reports. Registered by the extension's __init__.py."""

from . import command, job
from .cancel import LIKENESS_OT_cancel
from .load_photo import LIKENESS_FH_photo, LIKENESS_OT_load_photo
from .reconstruct import LIKENESS_OT_reconstruct
from .self_test import LIKENESS_OT_self_test
from .set_up_environment import LIKENESS_OT_set_up_environment

CLASSES: tuple[type, ...] = (
    LIKENESS_OT_cancel,
    LIKENESS_OT_load_photo,
    LIKENESS_OT_reconstruct,
    LIKENESS_OT_self_test,
    LIKENESS_OT_set_up_environment,
    LIKENESS_FH_photo,
)

__all__ = ["CLASSES", "command", "job"]
