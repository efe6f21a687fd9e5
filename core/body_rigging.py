"""What an animator takes hold of on a reconstructed body: joints, what follows them, and parts of the surface."""

from functools import cached_property

import cv2
import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from .colour.body import ARMS
from .colour.carried import carry
from .colour.voxel_means import VoxelMeans
from .geometry.closest import ClosestSurface
from .geometry.mesh import vertex_normals
from .geometry.visibility import sample_picture
from .models.body import BodyModel
from .models.body_fit import BodyViewFit
from .models.parametric import ParametricModel
from .models.rotation import rotation_vector
from .photo.parsing import CLASSES
from .photo.pose import Pose
from .surface.solid import ClosedSurface
from .topology.bind import smoothed_weights
from .topology.body_rig import BodyRig

PARTS = {
    "Hair": ("hair", "beard"),
    "Skin": ("skin", "eyes", "lips", "teeth"),
    "Clothes": ("clothes", "hat", "glasses"),
    "Shoes": ("shoes",),
}
"""Classes of the parsing that make a part of the surface, by the name of its vertex group."""
HEAD_PART = "Head"


_BEFORE, _OF_THEIR_OWN = ("forearms", "hands"), (*ARMS, "head", "neck")  # regions that are before others, and that have their own skin
_HAND_REACH = 0.04  # crop units: what is farther from a fitted hand is what hangs beside it, such as a skirt
_MIXED = 0.016  # crop units around skin in which colours are mixed with it
_COLUMNS, _IN_FRONT = 128, 0.03  # a side, in which what a photo shows is foremost, and crop units behind that which are shown too


class NearestPlaces:
    """Where on a model of a body or a head the places of a surface (V, 3), crop frame, are: the nearest of the fitted closed mesh's
    (Vs, 3), hands' within their reach. cells: of the surface; only one vertex of each is looked up, and the others lie between."""

    def __init__(
        self,
        body: ParametricModel,
        fitted: np.ndarray,
        vertices: np.ndarray,
        cells: VoxelMeans | None = None,
        skin: np.ndarray | None = None,
    ) -> None:
        """skin (S, S) in [0, 1]: of a crop's photo. Where it shows some before the fitted forearms and hands it is a hand's, though the
        nearest place be on a lap or a chest: there the surface has no arm of its own."""
        self._body, self._vertices, self.cells, self._skin, self._fitted = body, vertices, cells, skin, fitted
        self._closest = ClosestSurface(fitted, body.closed_mesh.topology)
        points = vertices if cells is None else vertices[cells.first]
        distance, self._face, self._shares = self._closest.query(points)
        if "hands" in body.regions:
            hand = (body.closed_region("hands") > 0.5)[body.closed_mesh.faces].any(1)
            far, others = np.flatnonzero((distance > _HAND_REACH) & hand[self._face]), np.flatnonzero(~hand)
            if len(far):
                _, face, self._shares[far] = ClosestSurface(fitted, body.closed_mesh.faces[others]).query(points[far])
                self._face[far] = others[face]

    def values(self, of_closed: np.ndarray) -> np.ndarray:
        """(V, C) of values (Vs, C) of the closed mesh."""
        found = self._closest.interpolate(of_closed.astype(np.float32), self._face, self._shares)
        return found if self.cells is None else self.cells.spread(found, self._vertices)

    @property
    def mean(self) -> np.ndarray:
        """(V, 3) places on the mean body at rest, metres."""
        return self.values(self._body.closed_rest)

    def regions(self, *names: str) -> np.ndarray:
        """(V, N): how far they are in each of the model's regions, in [0, 1]."""
        values = self.values(np.stack([self._body.closed_region(name) for name in names], axis=1))
        if self._skin is not None and "hands" in names:
            values[:, names.index("hands")] += self._before_body
        return values

    @cached_property
    def _before_body(self) -> np.ndarray:
        """(V,) in [0, 1]: how far they are bare and of arms that are before the body in the photo."""
        assert self._skin is not None
        column = np.clip((self._vertices[:, :2] + 1) * (_COLUMNS / 2), 0, _COLUMNS - 1).astype(np.int64) @ [_COLUMNS, 1]
        foremost = np.full(_COLUMNS**2, -np.inf, np.float32)
        np.maximum.at(foremost, column, self._vertices[:, 2])
        own = self.values(np.stack([self._body.closed_region(name) for name in _OF_THEIR_OWN], axis=1)).max(1)
        some = np.flatnonzero((own < 0.5) & (self._vertices[:, 2] > foremost[column] - _IN_FRONT))
        arms = self._fitted[np.maximum(*(self._body.closed_region(name) for name in _BEFORE)) > 0.5]
        distance = cKDTree(arms[:, :2]).query(self._vertices[some, :2], distance_upper_bound=_HAND_REACH)[0]
        result = np.zeros(len(self._vertices), np.float32)
        side = 2 * round(_MIXED * len(self._skin) / 2) + 1
        skin = cv2.dilate(np.ascontiguousarray(self._skin, np.float32), np.ones((side, side), np.uint8))
        result[some] = (distance < _HAND_REACH) * sample_picture(skin, self._vertices[some])
        return result


def rig_body(
    body: BodyModel,
    fit: BodyViewFit,
    pose: Pose,
    scale: float,
    nearest: NearestPlaces,
    surface: ClosedSurface,
    parts: dict[str, np.ndarray],
) -> BodyRig:
    """Joints and weights of a surface in the upright frame, which pose and scale make of the fit's camera frame; parts: name -> (V,)."""
    weights = nearest.values(body.closed_mesh.on(body.weights))
    bound = smoothed_weights(surface.vertices, surface.faces, weights)
    joints = pose.to_upright(fit.joints * scale).astype(np.float32)
    turns = _rest_turns(body, fit, pose).astype(np.float32)
    groups = np.clip(np.stack(list(parts.values())), 0, 1).astype(np.float32)
    return BodyRig(body.skeleton.names, body.skeleton.parents, joints, turns, *bound, tuple(parts), groups)


def body_parts(
    vertices: np.ndarray,
    faces: np.ndarray,
    nearest: NearestPlaces,
    kind: np.ndarray,
    parsing: np.ndarray | None,
    matte: np.ndarray,
    arms: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Parts of a surface (crop frame), in [0, 1]: HEAD_PART by the model's region and, where something has parsed the photo, PARTS; of
    hidden vertices those of what is seen nearest. parsing (S, S, len(CLASSES)) and matte (S, S): of the crop; kind and arms (V,): as
    `carry` takes them.
    """
    parts = {HEAD_PART: nearest.regions("head")[:, 0]}
    if parsing is None:
        return parts
    picture = np.stack([parsing[..., [CLASSES.index(name) for name in names]].sum(-1) for names in PARTS.values()], axis=-1)
    picture /= np.maximum(picture.sum(-1, keepdims=True), 1e-3)
    found, _ = carry(vertices, faces, vertex_normals(vertices, faces), picture, matte, nearest.mean, kind, arms, nearest.cells)
    found /= np.maximum(found.sum(1, keepdims=True), 1e-3)
    return parts | dict(zip(PARTS, found.T, strict=True))


def _rest_turns(body: BodyModel, fit: BodyViewFit, pose: Pose) -> np.ndarray:
    """As BodyRig.rest_turns."""
    linear, _ = body.skeleton.transforms(body.skeleton.of(fit.parameters.identity), fit.parameters.rotations)
    # A joint's whole turn, from the model at rest to the upright frame, and back.
    whole = np.einsum("ji,bjk->bik", pose.rotation, linear)
    back = whole.transpose(0, 2, 1)
    parents = body.skeleton.parents
    local = [back[joint] if parent < 0 else back[parent].T @ back[joint] for joint, parent in enumerate(parents)]
    return np.stack([rotation_vector(turn) for turn in local])
