"""The head model's quads on a reconstruction: a mesh with face loops and a UV map, for the skin alone or over hair and clothes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry.closest import ClosestSurface
from ..geometry.mesh import boundary_loops, face_normals, smoothing_matrix, vertex_normals
from ..geometry.rays import way_to_front
from ..geometry.visibility import smoothstep
from ..geometry.walk import WalkedSurface
from ..models.fit import ViewFit
from ..models.head import HeadModel
from ..models.head_levels import HeadLevel
from ..models.teeth import UPPER_TEETH
from ..photo.view import Camera
from ..result import Mesh, Result
from .body_retopology import body_mesh, is_body
from .harmonic import spread_evenly
from .levels import on_cut, with_fair_border
from .quads import QuadMesh
from .register import ReconstructedSurface, register
from .rig import rig_head
from .template import Template
from .transfer import Transfer

_OVER = 3  # registrations, of which each reaches some centimetres farther out
_ANY_DISTANCE = 20.0  # metres out of the skin, times a hundred, that hair and clothes may be
_NEAR = (0.003, 0.006)  # metres from the reconstruction over which a vertex ceases to be held on it
_TEETH = 0.005  # metres that a report may move the teeth
_LIPS = (13, 14)  # MediaPipe's landmarks of the inner lips' middles
_PARTED = 0.002  # metres between parted lips
_FRONT, _BEHIND, _FARTHEST = 0.004, 0.001, 0.01  # metres: depth of the front teeth; where they come to lie behind what is seen; the way
_WORN = {"Hair": 0.003, "Clothes": 0.006}  # parts that lie over the skin, and metres of it below them
_WORN_SHARES, _FLAT_BASE = (0.5, 0.9), -0.7  # of a part, over which it begins to cover; upward cosine of a face of a cut's base
_BELOW_SPREAD = (8, 4, 2, 0)  # steps along the skin over which each push spreads
_LIP = 0.002  # metres of lip before teeth that it covers
Progress = Callable[[float], None]


def template_mesh(result: Result, cover: bool, inner: bool, progress: Progress) -> QuadMesh:
    """The quads of the bundled head model on the surface of a result; on that of a body, those of the body model.

    cover: over hair and clothes as well, else the skin below them as the model guesses it; inner: with eyes, teeth and tongue.
    progress: told the share that is done; may raise Cancelled. Raises InputError when the result's report has no fit of a head.
    """
    if is_body(result):
        return body_mesh(result, cover, progress)
    model, view, surface = HeadModel.load(), result.views[0], result.surface
    fit = _fit(model, result)
    progress(0.05)
    camera_vertices = view.pose.to_camera(surface.vertices)
    there = ReconstructedSurface(camera_vertices, vertex_normals(camera_vertices, surface.faces))
    cut = _cut(result)
    rigged, _ = on_cut(rig_head(model, fit, there, _drop(result)), cut)
    vertices = rigged.posed(rigged.key_values, rigged.rotations)
    template, skin = Template.of(model), model.skin_count
    level = HeadLevel.load("full").inside(cut)
    outside = level.quads[model.part[level.quads[:, 0]] == 0]
    open_skin = template.face + template.outer
    faces = np.concatenate([outside[:, :3], outside[:, [0, 2, 3]]])
    progress(0.5)
    if cover:
        around = replace(template, follow=open_skin, outer=np.zeros(skin), hairless=np.full(skin, _ANY_DISTANCE))
        here = ReconstructedSurface(surface.vertices, vertex_normals(surface.vertices, surface.faces))
        bare = vertices[:skin].copy()
        for number in range(_OVER):
            vertices[:skin] = register(around, vertices[:skin], here)
            progress(0.5 + 0.1 * (number + 1))
        vertices[:skin] = spread_evenly(template, with_fair_border(vertices[:skin], faces), bare, faces, surface)
        vertices[:skin] = with_fair_border(vertices[:skin], faces)
    kept = np.ones(len(level.quads), bool) if inner else model.part[level.quads[:, 0]] == 0
    quads, quads_uv = level.quads[kept], level.quads_uv[kept].astype(np.int32)
    worn = np.zeros((len(_WORN), skin)) if cover else _worn(result, vertices[:skin])
    if worn.any():
        vertices[:skin] = _below(vertices[:skin], worn, faces, surface)
    if inner:
        vertices = _with_teeth_in_front(model, vertices, outside, surface, view.pose.rotation[2])
    transfer = Transfer.between(surface.vertices, surface.faces, vertices)
    wrapped = np.zeros(len(vertices), np.float32)
    wrapped[:skin] = open_skin * (1 - worn.max(0)) * (1 - smoothstep(np.abs(transfer.distance[:skin]), *_NEAR))
    used = np.unique(quads[quads >= 0])
    number = np.full(len(vertices) + 1, -1, np.int32)
    number[used] = np.arange(len(used))
    of_vertices = (values[used].astype(np.float32) for values in (transfer(surface.colours), transfer(surface.observed), wrapped))
    progress(0.95)
    return QuadMesh(vertices[used].astype(np.float32), number[quads], model.uv, quads_uv, *of_vertices)


def _worn(result: Result, skin: np.ndarray) -> np.ndarray:
    """How much (P, Vs) each of _WORN covers the skin (Vs, 3), by what is nearest on the surface; not at all where nothing tells."""
    anatomy, surface = result.anatomy, result.surface
    if anatomy is None:
        return np.zeros((len(_WORN), len(skin)))
    there = Transfer.between(surface.vertices, surface.faces, skin)
    return np.stack([smoothstep(there(anatomy.parts[anatomy.part_names.index(name)]), *_WORN_SHARES) for name in _WORN])


def _below(skin: np.ndarray, worn: np.ndarray, faces: np.ndarray, surface: Mesh) -> np.ndarray:
    """The skin (Vs, 3), where something is worn over it (P, Vs) some millimetres below the surface at least, what is around it going along.
    On shoulders that nobody sees, the model's guess of the skin lies centimetres before the clothes."""
    normals = face_normals(surface.vertices, surface.faces)
    sides = normals[:, 1] > _FLAT_BASE * np.linalg.norm(normals, axis=1)
    closest, spread = ClosestSurface(surface.vertices, surface.faces[sides]), smoothing_matrix(faces, len(skin))
    depth: np.ndarray = np.array(list(_WORN.values())) @ worn
    covered = worn.max(0)
    inside = worn[list(_WORN).index("Clothes")].copy()
    inside[np.concatenate(boundary_loops(faces))] = 0
    for steps in _BELOW_SPREAD:
        distance, face, shares = closest.query(skin.astype(np.float32))
        place, normal = (closest.interpolate(values, face, shares) for values in (surface.vertices, surface.normals))
        move = np.where(distance > -depth, covered, 0)[:, None] * (place - depth[:, None] * normal - skin)
        for _ in range(steps):
            move = spread @ move
        skin = skin + move
        for _ in range(steps):  # what was pushed together spreads again
            skin = skin + inside[:, None] * (spread @ skin - skin)
    return with_fair_border(skin, faces)


def _with_teeth_in_front(
    model: HeadModel, vertices: np.ndarray, outside: np.ndarray, surface: Mesh, towards_camera: np.ndarray
) -> np.ndarray:
    """Vertices (V, 3) with the upper teeth moved up to what parted lips show, as the reconstruction has it, behind the lips elsewhere.

    outside (Q, 4): quads of the skin. towards_camera (3,)."""
    upper, lower = model.mediapipe.on(vertices)[list(_LIPS)]
    teeth = np.flatnonzero(model.part == UPPER_TEETH)
    if np.linalg.norm(upper - lower) < _PARTED or not len(teeth):
        return vertices
    forward = (vertices[teeth] - upper) @ towards_camera
    front = teeth[forward > forward.max() - _FRONT]
    rays = np.broadcast_to(towards_camera.astype(np.float32), (len(front), 3))
    gaps = WalkedSurface(surface.vertices, surface.faces).meet(vertices[front], rays, 2 * _FARTHEST)[0]
    gaps = gaps[np.isfinite(gaps)]
    moved = vertices.copy()
    if len(gaps):
        way = np.clip(np.median(gaps) - _BEHIND, 0, _FARTHEST)
        skin = np.concatenate([outside[:, :3], outside[:, [0, 2, 3]]])
        room = way_to_front(vertices[teeth], towards_camera, vertices, skin) - _LIP
        moved[teeth] += (np.clip(room, 0, way)[:, None] * towards_camera).astype(np.float32)
    return moved


def _drop(result: Result) -> float:
    """Metres that the person's teeth lie lower than the model's. Reports come from anywhere."""
    told = result.report.get("fit")
    drop = told.get("teeth_drop") if isinstance(told, dict) else None
    return min(max(float(drop), -_TEETH), _TEETH) if isinstance(drop, int | float) and np.isfinite(drop) else 0.0


def _cut(result: Result) -> str:
    """Where the settings of a result's run end a head. Reports come from anywhere."""
    settings = result.report.get("settings")
    return str(settings.get("cut")) if isinstance(settings, dict) else ""


def _fit(model: HeadModel, result: Result) -> ViewFit:
    """The fit that the report of a result describes, placed by its view. Reports come from anywhere."""
    try:
        told: Mapping[str, Any] = result.report["fit"]
        identity = np.array(told["identity"], np.float32)
        expression = np.array([told["expression"][name] for name in model.expression_names], np.float32)
        rotations = np.array(told["rotations"], np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise _no_fit(result) from error
    arrays = (identity, len(model.identity)), (expression, len(model.expression)), (rotations, (len(model.skeleton.parents), 3))
    if any(np.shape(array) != np.zeros(shape).shape or not np.isfinite(array).all() for array, shape in arrays):
        raise _no_fit(result)
    view = result.views[0]
    camera: Camera = view.camera
    nothing = np.zeros((0, 3), np.float32)
    joints = np.zeros((len(rotations), 3))
    joints[model.MAIN_JOINT] = view.pose.translation
    return ViewFit(identity, expression, rotations, view.pose.rotation, camera, 0.0, nothing, joints, nothing, nothing)


def _no_fit(result: Result) -> InputError:
    return InputError(f"{result.name} does not say which head was fitted to it; reconstruct the photo again, or choose the free method.")
