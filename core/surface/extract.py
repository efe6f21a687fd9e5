"""From a signed-distance function to one closed mesh, evaluating the function only near its surface."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ..errors import ReconstructionError
from ..geometry.mesh import compact, cross
from ..progress import Cancel, batches
from .lattice import Lattice
from .marching import triangulate_cells

_COARSEST = 32

PointFunction = Callable[[np.ndarray], np.ndarray]


def extract_surface(
    field: PointFunction,
    may_contain_surface: PointFunction | None,
    resolution: int,
    progress: Callable[[float], None] | None = None,
    cancel: Cancel | None = None,
    prior: PointFunction | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The component with the largest volume of `extract_components`: one closed manifold, as `check_manifold` would find, because
    marching makes no others."""
    vertices, faces, _ = largest_component(*extract_components(field, may_contain_surface, resolution, progress, cancel, prior))
    return vertices, faces


def extract_components(
    field: PointFunction,
    may_contain_surface: PointFunction | None,
    resolution: int,
    progress: Callable[[float], None] | None = None,
    cancel: Cancel | None = None,
    prior: PointFunction | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The zero surface of `field` in the crop cube [-1, 1]^3 as closed surfaces: vertices (V, 3) float32, faces (F, 3) int32, outward.

    field: crop-frame points (N, 3) float32 -> signed distances (N,), negative inside; evaluated in batches of at most 32,768.
    may_contain_surface: points -> bool (N,), where the coarsest lattice should evaluate the field; None evaluates it everywhere. Elsewhere
    the sign of `prior` (points -> signed distance, cheap; None: outside) is taken. Both only save time: wherever a guessed sign differs
    from a neighbour's, the field is evaluated and decides. So a hard limit such as the silhouette belongs into the field itself.
    resolution: cells along the cube's side, 32 times a power of two. Memory grows with the surface, not with the cube.
    progress: called with the finished share in [0, 1]. cancel: asked before every batch.

    A lattice of 32 cells is refined by halving around sign changes, and new samples are guessed by interpolation. Wherever two neighbours
    along an axis have different signs, both are evaluated, and where a guess had the wrong sign, all 26 neighbours, until nothing is left:
    every vertex is exact, and thin parts are followed wherever they hang together with the surface, however coarse the lattice that
    missed them. The cube's faces count as outside.
    Raises Cancelled, and ReconstructionError when there is no surface or the field is not finite.
    """
    if resolution < _COARSEST or resolution % _COARSEST or (resolution // _COARSEST).bit_count() != 1:
        raise ValueError(f"resolution must be {_COARSEST} times a power of two, not {resolution}")
    sampler = _Sampler(field, resolution, progress, cancel)
    lattice = Lattice.dense(_COARSEST)
    indices = np.argwhere(np.ones((_COARSEST + 1,) * 3, bool))
    indices = indices[~lattice.on_border(indices)]
    points = lattice.positions(indices)
    if prior is not None:
        lattice.set(indices, prior(points), known=False)
    sampler.evaluate(lattice, indices if may_contain_surface is None else indices[may_contain_surface(points)])
    sampler.settle(lattice)
    while lattice.cells < resolution:
        lattice = Lattice.refined(lattice, lattice.crossed(lattice.stored()))
        sampler.settle(lattice)
    cells, values = lattice.cut_cells()
    if not len(cells):
        raise ReconstructionError("No surface was found in the photo's head region; try another photo or mask.")
    vertices, faces = triangulate_cells(cells, values, lattice.cells)
    return lattice.positions(vertices), faces


class _Sampler:
    """Evaluates the field in batches and reports how far the finest lattice is."""

    def __init__(self, field: PointFunction, resolution: int, progress: Callable[[float], None] | None, cancel: Cancel | None) -> None:
        self._field, self._resolution, self._progress, self._cancel = field, resolution, progress, cancel
        self._done = 0.0

    def evaluate(self, lattice: Lattice, indices: np.ndarray) -> np.ndarray:
        """Store the field at unknown samples (N, 3) of stored blocks. Returns those (M, 3) whose sign was guessed wrong."""
        wrong = [np.zeros((0, 3), np.int64)]
        for part in batches(len(indices), self._cancel):
            batch = indices[part]
            values = np.asarray(self._field(lattice.positions(batch)))
            if not np.isfinite(values).all():
                raise ReconstructionError("The network gave values that are not numbers; check that its weights file is undamaged.")
            wrong.append(batch[(lattice.value(batch) < 0) != (values < 0)])
            lattice.set(batch, values)
            self._report(lattice.cells, (part.start + len(batch)) / len(indices))
        return np.concatenate(wrong)

    def settle(self, lattice: Lattice) -> None:
        """Ask the field until both ends of every lattice edge that the surface cuts are known, and whatever is near a wrong guess."""
        wanted = lattice.crossed(lattice.stored(), unknown_only=True)
        while len(wanted):
            wrong = self.evaluate(lattice, wanted)
            blocks = lattice.blocks_around(wanted)
            lattice.allocate(blocks)
            # Thin parts that no guess knows of may go on over the corner of a cell.
            wanted = lattice.unknown(np.concatenate([lattice.crossed(blocks, unknown_only=True), lattice.around(wrong)]))

    def _report(self, cells: int, share: float) -> None:
        # The work of a level grows with the square of its resolution.
        if self._progress is not None:
            self._done = max(self._done, (cells / self._resolution) ** 2 * (0.25 + 0.75 * share))
            self._progress(self._done)


def largest_component(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The connected part with the largest enclosed volume: vertices, faces, and the ids that the vertices had before."""
    links = sp.coo_matrix((np.ones(2 * len(faces), bool), (faces[:, :2].ravel(), faces[:, 1:].ravel())), shape=(len(vertices),) * 2)
    count, label = connected_components(links, directed=False)
    part = label[faces[:, 0]]
    x, y, z = (np.take(column, faces.T) for column in np.ascontiguousarray(vertices.T))
    # Each triangle's share of the volume is the prism between it and its shadow on z = 0.
    shadow = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
    volume = np.bincount(part, shadow * (z[0] + z[1] + z[2]), minlength=count)
    return compact(vertices, faces[part == volume.argmax()])


def check_manifold(vertices: np.ndarray, faces: np.ndarray) -> None:
    """Raise ReconstructionError unless the mesh is one closed, orientable manifold, outward, without coinciding vertices or empty faces."""
    count = len(vertices)
    if not len(faces) or (np.bincount(faces.ravel(), minlength=count) == 0).any():
        problem = "has unused vertices or no faces"
    elif (twin := _twins(faces, count)) is None:
        problem = "has edges without exactly two faces"
    elif _coincide(vertices):
        problem = "has coinciding vertices"
    elif any(_flat(vertices, faces[part]) for part in batches(len(faces))):
        problem = "has faces without area"
    elif _fans(twin) != count:
        problem = "touches itself in a vertex"
    else:
        return
    raise ReconstructionError(f"The reconstructed surface {problem}; try another quality setting and report the photo.")


def _coincide(vertices: np.ndarray) -> bool:
    """Whether any two of the vertices (V, 3) are the same; rows are compared only if two have the same mixture of bits."""
    bits = (np.asarray(vertices, np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)  # adding turns -0 into 0
    mixed = np.sort(bits @ np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64))
    return bool((mixed[1:] == mixed[:-1]).any()) and len(np.unique(vertices, axis=0)) < len(vertices)


def _flat(vertices: np.ndarray, faces: np.ndarray) -> bool:
    """Whether any face has no area."""
    a, b, c = (np.take(vertices, corner, axis=0).astype(np.float64) for corner in faces.T)
    return not cross(b - a, c - a).any(axis=1).all()


def _twins(faces: np.ndarray, count: int) -> np.ndarray | None:
    """For every half-edge, 3 face + corner, the one in the other direction, (3 F,) int32; None unless each has exactly one."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    edge = np.minimum(start, end).astype(np.int64) * count
    edge += np.maximum(start, end)
    forward = start < end
    del start, end  # the largest arrays of a reconstruction are made here
    there, back = np.flatnonzero(forward), np.flatnonzero(~forward)
    if len(there) != len(back):
        return None
    there, back = there[np.argsort(edge[there])], back[np.argsort(edge[back])]
    one, other = edge[there], edge[back]
    if (one[1:] == one[:-1]).any() or (one != other).any():
        return None
    twin = np.empty(len(edge), np.int32)
    twin[there], twin[back] = back, there
    return twin


def _fans(twin: np.ndarray) -> int:
    """Number of cycles of turning around vertices, from half-edge to its twin to the next one in that face; one a vertex in a manifold."""
    each = np.arange(len(twin), dtype=np.int32)
    onwards, lowest = each.reshape(-1, 3)[:, [1, 2, 0]].ravel()[twin], each
    # By jumps of 1, 2, 4, ... every half-edge learns the lowest of its cycle.
    while ((lower := np.minimum(lowest, lowest[onwards])) != lowest).any():
        lowest, onwards = lower, onwards[onwards]
    return np.count_nonzero(lowest == each)
