"""The head model's UV map: MakeHuman's islands, of which the head's gets most of the square, and in it the face, where a photo has detail.

MakeHuman's own map is a whole body's and leaves a fourteenth of the texture's width between the eyes. The head's island keeps its cuts
and is relaxed by the symmetric Dirichlet energy (Smith & Schaefer 2015), which lets no triangle flip, towards the lengths of the mean
head, those of the face magnified. It lies above, the face upright; the other islands lie below it.
"""

from collections import deque
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from ...core.geometry.mesh import boundary_loops

_FACE, _INSIDE = 2.2, 0.4  # lengths in the texture for a length on the face, and inside lips and lids, where the rest of the head has 1
_OTHERS = (0.5, 2.2, 2.2, 1.2, 1.2, 1.2)  # the same for the other islands of skin (shoulders, throat, sockets), eyes, teeth and tongue
_PARTED = {"mouthLowerDownLeft": 1, "mouthLowerDownRight": 1, "mouthUpperUpLeft": 1, "mouthUpperUpRight": 1, "jawOpen": 0.6}
"""The expression that is laid flat: with closed lips the inside of one would lie upon the other."""
_GAP = 0.012  # of the square, between islands and around them
_STEPS, _MEMORY, _ENOUGH = 600, 8, 1e-7
_Energy = Callable[[np.ndarray], tuple[float, np.ndarray]]


def lay_out(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """UV coordinates (U, 2) float32, bottom-left origin, for the arrays of a head model, from its `makehuman_uv` (U, 2)."""
    faces, faces_uv, part = (arrays[name].astype(np.int64) for name in ("faces", "faces_uv", "face_part"))
    uv, names, shapes = arrays["makehuman_uv"].astype(np.float64), arrays["expression_names"].tolist(), arrays["expression"]
    parted = arrays["mean"] + sum(share * shapes[names.index(name)].astype(np.float64) for name, share in _PARTED.items())
    face = np.clip(arrays["regions"][arrays["region_names"].tolist().index("face")].astype(np.float64), 0, 1)
    pairs = np.concatenate([faces_uv[:, :2], faces_uv[:, 1:]])
    _, island = connected_components(sp.coo_matrix((np.ones(len(pairs)), tuple(pairs.T)), (len(uv), len(uv))), directed=False)
    island = island[faces_uv[:, 0]]
    head = np.bincount(island[part == 0]).argmax()
    boxes = []
    for number in np.unique(island):
        there = island == number
        points, local = np.unique(faces_uv[there], return_inverse=True)
        local, corners = local.reshape(-1, 3), parted[faces[there]]
        if number == head:
            length = 1 + (_FACE - 1) * face[faces[there]].mean(1)
            holes = np.concatenate(sorted(boundary_loops(local), key=len)[:-1])
            length[np.isin(local, holes).any(1)] = _INSIDE
            corners = corners * length[:, None, None]
            flat = relaxed(corners, _to_scale(uv[points], local, corners), local)[:, ::-1] * [1, -1]  # MakeHuman's face looks to the right
        else:
            flat = _to_scale(uv[points], local, corners) * _OTHERS[part[there][0]]
        boxes.append((number == head, points, flat - flat.min(0)))
    return _packed(len(uv), boxes)


def _to_scale(uv: np.ndarray, faces: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """UV (U, 2) with the area that the faces have in space."""
    return uv * np.sqrt(_area(corners).sum() / _area(np.pad(uv, [(0, 0), (0, 1)])[faces]).sum())


def _area(corners: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2


def _packed(count: int, boxes: list[tuple[bool, np.ndarray, np.ndarray]]) -> np.ndarray:
    """UV (count, 2) float32: the head over the whole width at the top, the other islands (points, places in metres) on shelves below it,
    smaller where they need to be; where half of their size is too much, the head is smaller too."""
    boxes = sorted(boxes, key=lambda box: (not box[0], -box[2][:, 1].max()))
    scale = (1 - 2 * _GAP) / boxes[0][2][:, 0].max()
    while True:
        for share in np.linspace(1, 0.5, 26):
            uv, left, top, deep = np.zeros((count, 2)), _GAP, 1 - _GAP, 0.0
            for head, points, flat in boxes:
                place = flat * scale * (1.0 if head else share)
                wide, high = place.max(0)
                if left + wide > 1 - _GAP + 1e-9:
                    left, top, deep = _GAP, top - deep - _GAP, 0.0
                uv[points] = place + np.array([left, top - high])
                left, deep = left + wide + _GAP, max(deep, high)
            if top - deep >= _GAP:
                return uv.astype(np.float32)
        scale *= 0.98


def relaxed(corners: np.ndarray, uv: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """UV (U, 2) of an island at the scale of its triangles, whose corners in space are (F, 3, 3). uv (U, 2): a start without flips.

    Limited-memory BFGS that begins with the inverse of the Laplacian, as Kovalsky et al. 2016 precondition such energies.
    """
    energy = _symmetric_dirichlet(corners, faces)
    ends = faces[:, [1, 2, 0]].T.ravel(), faces[:, [2, 0, 1]].T.ravel()
    joined = sp.coo_matrix((np.ones(faces.size), ends), (len(uv), len(uv)))
    joined = (joined + joined.T).tocsr()
    solve = splu((sp.diags(np.asarray(joined.sum(1)).ravel() + 1e-9) - joined).tocsc()).solve
    steps: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=_MEMORY)
    value, slope = energy(uv)
    for _ in range(_STEPS):
        direction, rate = _direction(slope, steps, solve), 1.0
        there = uv + direction
        while not (found := energy(there))[0] < value + 1e-4 * rate * (slope * direction).sum():
            rate /= 2
            there = uv + rate * direction
            if rate < 1e-12:
                return uv
        move, change = there - uv, found[1] - slope
        if (move * change).sum() > 0:
            steps.append((move, change))
        gained = value - found[0]
        uv, (value, slope) = there, found
        if gained < _ENOUGH * value:
            break
    return uv


def _direction(slope: np.ndarray, steps: deque[tuple[np.ndarray, np.ndarray]], solve: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The two-loop recursion (Nocedal 1980)."""
    rest, shares = slope.copy(), []
    for move, change in reversed(steps):
        shares.append((move * rest).sum() / (move * change).sum())
        rest -= shares[-1] * change
    rest = solve(rest)
    for (move, change), share in zip(steps, reversed(shares), strict=True):
        rest += move * (share - (change * rest).sum() / (move * change).sum())
    return -rest


def _symmetric_dirichlet(corners: np.ndarray, faces: np.ndarray) -> _Energy:
    """Energy and its gradient (U, 2) at a map (U, 2); infinite where a triangle is flipped."""
    sides = torch.from_numpy(corners[:, 1:] - corners[:, :1])
    length = sides[:, 0].norm(dim=1)
    x = (sides[:, 0] * sides[:, 1]).sum(1) / length
    y = (sides[:, 1].square().sum(1) - x.square()).clamp(min=1e-14).sqrt()
    flat = torch.stack([length, x, torch.zeros_like(x), y], 1).view(-1, 2, 2)  # its columns are a triangle's sides, laid flat
    inverse, area, index = torch.linalg.inv(flat), length * y / 2, torch.from_numpy(faces)

    def energy(uv: np.ndarray) -> tuple[float, np.ndarray]:
        place = torch.from_numpy(uv).requires_grad_()
        at = place[index]
        jacobian = torch.stack([at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]], -1) @ inverse
        determinant = torch.linalg.det(jacobian)
        if bool((determinant <= 0).any()):
            return np.inf, np.zeros_like(uv)
        value = (area * jacobian.square().sum((1, 2)) * (1 + determinant.square().reciprocal())).sum()
        (gradient,) = torch.autograd.grad(value, place)
        return float(value.detach()), gradient.numpy()

    return energy
