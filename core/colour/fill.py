"""Colours of the vertices that the photo does not show: from the mirrored side, from the network, and without a seam."""

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.solve import solve_positive
from .project import project_colours

_REACH = 0.35  # crop units (7 cm) over which the seam's correction decays into the hidden side
_MIRROR_RANGE = 0.1  # distance in code space, about 3 cm, over which mirrored colours fade into the guess
_MIRROR_TRUST = 0.6  # photo weight that a point needs to lend its colour fully to the other side; below half of it lends nothing


def colour_vertices(
    vertices: np.ndarray,
    faces: np.ndarray,
    normals: np.ndarray,
    photo_crop: np.ndarray,
    matte_crop: np.ndarray,
    network_colours: np.ndarray,
    codes: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (V, 3) float32 sRGB in [0, 1] of all vertices, and observed (V,) float32 in [0, 1], 1 where the photo was copied.

    vertices (V, 3) and unit normals (V, 3) in the crop frame, faces (F, 3); photo_crop (S, S, 3) float sRGB, matte_crop (S, S);
    network_colours (V, 3): the guess for hidden vertices; codes (V, 3): semantic codes, 0 off the head, or None: no mirroring.
    """
    colours, observed = project_colours(vertices, faces, normals, photo_crop, matte_crop)
    prior = network_colours
    if codes is not None:
        mirrored, trust = mirror_colours(colours, observed, codes)
        prior = prior + trust[:, None] * (mirrored - prior)
    return fill_hidden(vertices, faces, colours, observed, prior), observed


def mirror_colours(colours: np.ndarray, weight: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours (V, 3) of the trusted points on the other side of the head, and their trust (V,) in [0, 1].

    weight (V,): trust in colours (V, 3). codes (V, 3): semantic codes; x becomes 1 - x on the other side.
    """
    on_head = (codes != 0).any(axis=1)
    sources = np.flatnonzero(on_head & (weight > _MIRROR_TRUST / 2))
    targets = np.flatnonzero(on_head & (weight < 1))
    mirrored, trust = np.zeros_like(colours), np.zeros_like(weight)
    if not len(sources) or not len(targets):
        return mirrored, trust
    wanted = codes[targets] * [-1, 1, 1] + [1, 0, 0]
    distance, near = cKDTree(codes[sources]).query(wanted, k=min(4, len(sources)), distance_upper_bound=3 * _MIRROR_RANGE, workers=-1)
    distance, near = distance.reshape(len(targets), -1), near.reshape(len(targets), -1)
    found = near < len(sources)
    near = sources[np.where(found, near, 0)]
    closeness = np.exp(-((np.where(found, distance, np.inf) / _MIRROR_RANGE) ** 2))
    share = closeness * weight[near] + 1e-12
    mirrored[targets] = (share[..., None] * colours[near]).sum(1) / share.sum(1)[:, None]
    trust[targets] = closeness.max(axis=1) * np.clip((share * weight[near]).sum(1) / share.sum(1) / _MIRROR_TRUST, 0, 1)
    return mirrored, trust


def fill_hidden(
    vertices: np.ndarray,
    faces: np.ndarray,
    colours: np.ndarray,
    weight: np.ndarray,
    prior_colours: np.ndarray,
) -> np.ndarray:
    """Colours (V, 3) float32: `colours` where weight (V,) is 1, else the prior's detail with the seen colours' level at the seam."""
    hidden = np.clip(prior_colours + carried_difference(vertices, faces, colours - prior_colours, weight), 0, 1)
    return (hidden + weight[:, None] * (colours - hidden)).astype(np.float32)


def carried_difference(vertices: np.ndarray, faces: np.ndarray, difference: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The difference (V, 3) of seen and prior colours, known where weight (V,) says, continued into the hidden side: float64 (V, 3).

    A membrane that decays over 7 cm (a screened form of Poisson image editing, Perez et al. 2003, on the mesh). Crop frame.
    """
    count = len(vertices)
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    length = float(np.linalg.norm(vertices[start] - vertices[end], axis=1).mean())
    stiffness = np.full(len(start), 0.5)
    half = sp.csr_matrix((stiffness, (start, end)), shape=(count, count))
    links = (half + half.T).tocsr()
    # On a triangle lattice with edges h, the umbrella Laplacian is 1.5 h^2 times the continuous one.
    screening = 1.5 * (length / _REACH) ** 2
    seen = weight.astype(np.float64)
    matrix = (sp.diags(np.asarray(links.sum(1)).ravel() + seen + screening) - links).tocsr()
    return solve_positive(matrix, seen[:, None] * difference.astype(np.float64), _clusters(vertices, 5 * length), tolerance=1e-3)


def _clusters(vertices: np.ndarray, size: float) -> np.ndarray:
    """Ids (V,) of the cubes of a given size that vertices lie in."""
    cell = np.floor((vertices - vertices.min(0)) / size).astype(np.int64)
    extent = cell.max(0) + 1
    return np.unique((cell[:, 0] * extent[1] + cell[:, 1]) * extent[2] + cell[:, 2], return_inverse=True)[1]
