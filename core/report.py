"""What a result's report says beside its measures: settings, versions, the fit, the person in the photo, and the memory used."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from .geometry.raster import rasterize
from .models.fit import ViewFit
from .models.head import HeadModel
from .models.teeth import teeth_drop
from .photo.crop import crop_picture
from .photo.figure import BodyView
from .photo.framing import CropBox
from .photo.parsing import CLASSES
from .photo.view import View
from .settings import Settings
from .surface.extract import check_manifold
from .surface.handles import genus
from .surface.mend import Shape
from .version import VERSION

_SIZE = 512  # pixels a side


def run_report(settings: Settings, view: View | BodyView, timings: Mapping[str, float], weights: Mapping[str, str]) -> dict[str, Any]:
    """Of any run: what was wanted of the photo and what was made; timings in seconds; weights: file -> SHA-256."""
    made = "body" if isinstance(view, BodyView) else "head"
    return {
        "subject": {"wanted": settings.subject, "made": made, "person": settings.subject_index, "people": view.people},
        "timings": dict(timings),
        "peak_memory_mb": _peak_memory(),
        "settings": settings.to_report(),
        "version": VERSION,
        "weights": dict(weights),
    }


def fit_report(model: HeadModel, fit: ViewFit, view: View) -> dict[str, Any]:
    """The head fitted to a view and its camera in plain numbers."""
    return {
        "identity": [round(float(x), 4) for x in fit.identity],
        "expression": {name: round(float(x), 4) for name, x in zip(model.expression_names, fit.expression, strict=True)},
        "rotation": fit.rotation.round(5).tolist(),
        "rotations": fit.rotations.round(6).tolist(),
        "camera": {
            "centre": [float(x) for x in fit.camera.centre],
            "scale": float(fit.camera.scale),
            "distance": float(fit.camera.distance) if np.isfinite(fit.camera.distance) else None,
        },
        "teeth_drop": round(teeth_drop(model, fit, view), 5),
        "residual": float(fit.residual),
    }


def parsing_report(view: View) -> dict[str, dict[str, float]]:
    """How much of the square around the head is of which class."""
    if view.parsing is None:
        return {}
    return {"parsing": dict(zip(CLASSES, view.parsing.shares.mean((0, 1)).round(4).tolist(), strict=True))}


def mesh_report(vertices: np.ndarray, faces: np.ndarray) -> dict[str, Any]:
    """How clean a surface in metres is, measured on what it has become. aspect: longest edge over height, exceeded by one face in a
    thousand; shortest_edge: millimetres; folded, intersecting: faces at sharp folds, and those that run through others.

    Raises ReconstructionError unless it is one closed manifold.
    """
    check_manifold(vertices, faces)
    shape = Shape.of(vertices, faces, hasty=True)
    return {
        "vertices": len(vertices),
        "faces": len(faces),
        "watertight": True,
        "components": 1,
        "genus": genus(vertices, faces),
        "shortest_edge": round(1000 * float(shape.shortest.min()), 3),
        "aspect": round(float(np.percentile(shape.aspect, 99.9)), 2),
        "folded": int(shape.folded.sum()),
        "intersecting": int(shape.intersecting.sum()),
    }


def silhouette_iou(matte: np.ndarray, box: CropBox, vertices: np.ndarray, faces: np.ndarray) -> float:
    """Intersection over union of a mesh's silhouette (vertices in the crop frame) and the person's matte (H, W), inside the photo and the
    crop."""
    drawn = rasterize(torch.from_numpy(vertices), torch.from_numpy(faces), _SIZE).mask.numpy()
    there = crop_picture(np.ones(matte.shape, np.float32), box, _SIZE) > 0.5
    person = (crop_picture(matte, box, _SIZE) > 0.5) & there
    union = ((drawn & there) | person).sum()
    return float((drawn & person).sum() / max(union, 1))


def _peak_memory() -> float | None:
    """Megabytes, or None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
