"""Non-rigid registration of the head model's skin to a reconstructed surface (after Amberg et al. 2007).

Each vertex looks for its place in a joint metric of position, normal and, where the surface has one, semantic correspondence. The
displacement of the fitted model that meets these places is kept smooth, stiffly at first and less so in every round. What the surface
does not show (the insides of lids, lips and nostrils, the scalp under hair) follows from the smoothness alone.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.mesh import face_normals, vertex_normals
from .template import Template

_LENGTHS = (0.03, 0.016, 0.009, 0.005, 0.003, 0.002)  # metres: each round's stiffness; displacements vary over no less
_MEMBRANE = 0.3  # share of the stiffness length over which a displacement fades into what has no data
_REACH = (0.012, 0.012, 0.010, 0.008, 0.006, 0.005)  # metres: each round's distance at which a place counts half
_OUTSIDE = (0.005, 0.015)  # metres out of the fitted skin from which a place counts nothing: where hair or a collar may be, and on the face
_STAY = 3e-4  # how much the fitted model's own place counts off the face, so that what has no data stays a head
_NORMAL_UNIT = 0.012  # metres of distance that a radian between normals weighs as much as
_CORRESPONDENCE_UNIT = 0.3  # metres of distance that a whole unit of correspondence, 0.2 m on a head, weighs as much as
_AGREE = (0.5, 0.85)  # cosine between the normals over which a place begins to count
_NEAR = 0.03  # metres around the model in which the surface is looked at
_FLIPPED = 0.6  # cosine between a face's normal and the fitted one below which it counts as turned over: a moustache would fold the skin
_REPAIRS = 8


@dataclass(frozen=True)
class ReconstructedSurface:
    """A surface without our topology, in any frame in metres: vertices (N, 3), unit normals (N, 3); correspondence (N, 3): the head
    model's, as predicted for each vertex, 0 where there is none, or None; covered (N,) in [0, 1]: how surely a vertex is hair or a thing
    over the face, or None."""

    vertices: np.ndarray
    normals: np.ndarray
    correspondence: np.ndarray | None = None
    covered: np.ndarray | None = None


def register(template: Template, fitted: np.ndarray, surface: ReconstructedSurface, correspondence: np.ndarray | None = None) -> np.ndarray:
    """The skin's vertices (Vs, 3) on the surface, in the surface's frame.

    fitted (Vs, 3): the fitted and posed head model's skin; correspondence (Vs, 3): its own, used where the surface has one.
    No face is turned over against the fitted skin.
    """
    fitted = fitted.astype(np.float64)
    matcher = Matcher(template, fitted, surface, correspondence)
    current = fitted
    confidence = wanted = np.zeros(0)
    for length, reach in zip(_LENGTHS, _REACH, strict=True):
        wanted, confidence = matcher.places(template, current, reach)
        current = fitted + _smooth(template, wanted - fitted, confidence, length)
    before = face_normals(fitted, template.faces)
    for _ in range(_REPAIRS):
        after = face_normals(current, template.faces)
        cosine = (before * after).sum(1) / np.maximum(np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1), 1e-20)
        turned = np.unique(template.faces[cosine < _FLIPPED])
        if not len(turned):
            break
        ring = np.zeros(len(fitted))
        ring[turned] = 1
        confidence = confidence * np.where(template.grown(ring, 3) > 0, 0.03, 1.0)
        current = fitted + _smooth(template, wanted - fitted, confidence, _LENGTHS[-1])
    return current.astype(np.float32)


class Matcher:
    """Nearest places on the surface in the joint metric."""

    def __init__(self, template: Template, fitted: np.ndarray, surface: ReconstructedSurface, correspondence: np.ndarray | None) -> None:
        near = cKDTree(fitted).query(surface.vertices, distance_upper_bound=_NEAR, workers=-1)[0] < _NEAR
        self._vertices, self._normals = surface.vertices[near].astype(np.float64), surface.normals[near].astype(np.float64)
        self._corresponding = np.zeros(near.sum(), bool) if surface.correspondence is None else (surface.correspondence[near] != 0).any(1)
        self._correspondence = None if surface.correspondence is None else correspondence
        self._covered = np.zeros(near.sum()) if surface.covered is None else surface.covered[near]
        self._fitted, self._fitted_normals = fitted, vertex_normals(fitted, template.faces)
        columns = [self._vertices, _NORMAL_UNIT * self._normals]
        if self._correspondence is not None:
            columns.append(_CORRESPONDENCE_UNIT * np.asarray(surface.correspondence)[near])
        self._tree = cKDTree(np.concatenate(columns, axis=1))

    def places(self, template: Template, current: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """Wanted places (Vs, 3) of vertices (Vs, 3), and how much each counts (Vs,)."""
        normals = vertex_normals(current, template.faces)
        columns = [current, _NORMAL_UNIT * normals]
        if self._correspondence is not None:
            columns.append(_CORRESPONDENCE_UNIT * self._correspondence)
        _, near = self._tree.query(np.concatenate(columns, axis=1), workers=-1)
        offset, there = self._vertices[near] - current, self._normals[near]
        height = (offset * there).sum(1)
        out = np.clip(((self._vertices[near] - self._fitted) * self._fitted_normals).sum(1), 0, None)
        move = height[:, None] * there
        # A surface that says which place it is also holds the vertex along itself.
        move[self._corresponding[near]] = offset[self._corresponding[near]]
        # Hair and collars lie outside the skin, never inside; counted from the fitted skin, or they would draw it out little by little.
        bound = _OUTSIDE[0] + template.hairless * (_OUTSIDE[1] - _OUTSIDE[0])
        skin = np.clip(1 - (out / bound) ** 2, 0, 1) ** 2
        # On the scalp short hair is all that there is to follow.
        skin = skin * (1 - template.face * self._covered[near])
        agree = np.clip(((normals * there).sum(1) - _AGREE[0]) / (_AGREE[1] - _AGREE[0]), 0, 1)
        slide = np.linalg.norm(offset - move, axis=1)
        robust = 1 / (1 + (height / reach) ** 2) ** 2 / (1 + (slide / reach) ** 2)
        # The rim of what is rejected, such as a fringe's edge, is no skin either.
        kept = 1 - template.grown(1 - agree * skin)
        return current + move, template.follow * kept * robust


def _smooth(template: Template, displacement: np.ndarray, confidence: np.ndarray, length: float) -> np.ndarray:
    """The displacement (Vs, 3) nearest to the wanted one, by confidence (Vs,), with bending and stretching penalised."""
    mass, stiffness = template.mass, template.stiffness
    bending = stiffness @ sp.diags(length**4 / mass) @ stiffness
    data = mass * confidence
    stay = mass * (_STAY * template.outer + 1e-9)
    system = (sp.diags(data + stay) + bending + (_MEMBRANE * length) ** 2 * 0.01 * stiffness).tocsc()
    factor = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factor.solve(data[:, None] * displacement)
