"""The head model itself as a rigged head, as the scene's tests make it too."""

import runpy
from pathlib import Path

from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.topology import rigged

_SAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "scene" / "sample_rig.py"))


def model_rig(model: HeadModel, parameters: Parameters) -> rigged.RiggedHead:
    """Without a surface and its details: the model's own shapes are the keys."""
    return _SAMPLE["rigged"](rigged, model, parameters)
