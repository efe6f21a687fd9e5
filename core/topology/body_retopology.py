"""The body model's quads on a reconstructed body: over its clothes, or the bare body below them."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry.mesh import unique_edges, vertex_normals
from ..geometry.visibility import smoothstep
from ..models.body import BodyModel
from ..models.parametric import Parameters
from ..result import Result
from .quads import QuadMesh, paired
from .register import ReconstructedSurface, register
from .template import Template, cotangent_laplacian
from .transfer import Transfer

_OVER = 3  # registrations over clothes, of which each reaches some centimetres farther out
_ANY_DISTANCE = 20.0  # metres out of the skin, times a hundred, that clothes may be
_HANDS = 0.03  # how much hands follow the surface, whose fingers are coarse
_NEAR = (0.006, 0.02)  # metres from the reconstruction over which a vertex ceases to be held on it


def is_body(result: Result) -> bool:
    """Whether a result's report tells a fitted body."""
    fit = result.report.get("fit")
    return isinstance(fit, dict) and isinstance(fit.get("rotations"), dict)


def body_mesh(result: Result, cover: bool, progress: Callable[[float], None]) -> QuadMesh:
    """The quads of the bundled body model on the surface of a result, over clothes and hair as well if `cover`, else where that is within
    some millimetres of the fitted body. progress: told the share that is done; may raise Cancelled. Raises InputError when the report has
    no fit that can be read."""
    body, surface = BodyModel.load(), result.surface
    vertices = _posed(body, result)
    progress(0.2)
    here = ReconstructedSurface(surface.vertices, vertex_normals(surface.vertices, surface.faces))
    template, rounds = _template(cover), _OVER if cover else 1
    for number in range(rounds):
        vertices = register(template, vertices, here)
        progress(0.2 + 0.7 * (number + 1) / rounds)
    quads, quads_uv = paired(body.faces, body.faces_uv)
    transfer = Transfer.between(surface.vertices, surface.faces, vertices)
    wrapped = (1 - smoothstep(np.abs(transfer.distance), *_NEAR)) * (template.follow > 0)
    of_vertices = (values.astype(np.float32) for values in (transfer(surface.colours), transfer(surface.observed), wrapped))
    return QuadMesh(vertices.astype(np.float32), quads, body.uv, quads_uv, *of_vertices)


@lru_cache(maxsize=2)
def _template(cover: bool) -> Template:
    """The body's skin for registration; the insides of mouth and eye sockets follow nothing."""
    body = BodyModel.load()
    count = len(body.mean)
    stiffness, mass = cotangent_laplacian(body.mean, body.faces)
    follow = 1 - (1 - _HANDS) * body.regions["hands"]
    for inside in body.closed_mesh.cavities.values():
        follow[inside] = 0
    edges = unique_edges(body.faces)[0]
    outside = np.full(count, _ANY_DISTANCE if cover else 0.0)
    return Template(body.faces, edges, stiffness, mass, follow, np.zeros(count), outside, np.zeros(count))


def _posed(body: BodyModel, result: Result) -> np.ndarray:
    """The fitted body's vertices (V, 3), upright frame of the result. Reports come from anywhere."""
    try:
        told: Mapping[str, Any] = result.report["fit"]
        identity = np.array(told["identity"], np.float64)
        rotations = np.array([told["rotations"][name] for name in body.skeleton.names], np.float64)
        root, seen = np.array(told["root"], np.float64), float(told["camera"]["scale"])
    except (KeyError, TypeError, ValueError) as error:
        raise _no_fit(result) from error
    shapes = (identity, (len(body.identity),)), (rotations, (len(body.skeleton.parents), 3)), (root, (3,))
    if any(array.shape != shape or not np.isfinite(array).all() for array, shape in shapes) or not 0 < seen < np.inf:
        raise _no_fit(result)
    posed = body.posed(Parameters(identity, np.zeros(0), rotations))
    view = result.views[0]
    # The same picture is seen of a body of any size, as far away as it is large.
    scale = seen / view.camera.scale
    return view.pose.to_upright((posed.vertices - posed.joints[body.MAIN_JOINT] + root) * scale)


def _no_fit(result: Result) -> InputError:
    return InputError(f"{result.name} does not say which body was fitted to it; reconstruct the photo again, or choose the free method.")
