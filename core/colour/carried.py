"""What a photo shows of a body, carried to the places that it hides: from the nearest places that it shows, on this side or the other."""

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from .before import as_before
from .project import Projection
from .voxel_means import VoxelMeans

_CELL = 0.012  # crop units (some 12 mm): nothing that is guessed is finer
_SEEN = 0.5  # weight of what may lend its values
_LENDERS, _MOST = 24, 40_000
_AT_ONCE = 1 << 13  # places whose lenders are looked up at once: bounds memory
_DEPTH = 0.6  # of a difference in depth: the back is like the front before it rather than like the side
_OTHER_SIDE, _OTHER_KIND = 0.02, 10.0  # metres by which lenders of the other side, and of another kind, count as farther away
_NEAREST = 0.01  # metres: lenders nearer than that are equally near


def carry(
    vertices: np.ndarray,
    faces: np.ndarray,
    normals: np.ndarray,
    picture: np.ndarray,
    matte: np.ndarray,
    places: np.ndarray,
    kind: np.ndarray,
    arms: np.ndarray | None = None,
    cells: VoxelMeans | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Values (V, C) float32 in [0, 1] of a crop's picture (S, S, C) on all vertices, and observed (V,) float32 in [0, 1], 1 where it was
    copied.

    vertices (V, 3) and unit normals (V, 3) in the crop frame, faces (F, 3); matte (S, S). places (V, 3): of the nearest points on the mean
    body, metres, x to the person's left and odd. kind (V,): only vertices of one kind lend each other, so that no face appears on the
    back of the head. arms (V,) in [0, 1]: with it, what is hidden is as high, or as far along an arm, as what is seen before it. cells:
    of the surface, if there are some already.
    """
    projection = Projection.of(vertices, faces, picture, matte)
    shown, observed = projection.sample_photo(vertices, normals)
    cells = VoxelMeans.of_surface(vertices, faces, _CELL) if cells is None else cells
    seen, weight = cells.mean(shown, observed), cells.mean(observed)
    lenders = np.flatnonzero(weight > _SEEN)
    if not len(lenders):
        lenders = np.array([int(weight.argmax())])
    lenders = lenders[:: -(-len(lenders) // _MOST)]
    place, of_kind = places[cells.first], kind[cells.first]
    stretched = np.column_stack([place * [1, 1, _DEPTH], np.zeros(len(place)), of_kind * _OTHER_KIND])
    if arms is not None:
        stretched = as_before(stretched, vertices[cells.first], place, arms[cells.first], weight)
    mirrored = stretched[lenders] * [-1, 1, 1, 1, 1] + [0, 0, 0, _OTHER_SIDE, 0]
    # Splits in the middle and boxes as they come: less than half of the time, because most places are far from all lenders.
    tree = cKDTree(np.concatenate([stretched[lenders], mirrored]), leafsize=32, balanced_tree=False, compact_nodes=False)
    level, hidden = seen.copy(), np.flatnonzero(weight < 1)
    # In parts: two dozen lenders of all places at once would be the most memory that a head ever takes.
    for some in np.array_split(hidden, -(-len(hidden) // _AT_ONCE)) if len(hidden) else []:
        distance, index = tree.query(stretched[some], k=min(_LENDERS, 2 * len(lenders)))
        share = 1 / (np.reshape(distance, (len(some), -1)) + _NEAREST) ** 2
        lent = np.einsum("nk,nkc->nc", share / share.sum(1, keepdims=True), seen[lenders[np.reshape(index, share.shape) % len(lenders)]])
        level[some] = lent + np.clip(weight[some], 0, 1)[:, None] * (seen[some] - lent)
    level = cells.smoothed(level)
    hidden = np.clip(cells.spread(level, vertices), 0, 1)
    return (hidden + observed[:, None] * (shown - hidden)).astype(np.float32), observed
