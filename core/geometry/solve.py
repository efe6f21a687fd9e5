"""Large sparse positive definite systems, such as Laplacians of meshes and pictures."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from ..errors import ReconstructionError

_ITERATIONS = 500


def solve_positive(matrix: sp.csr_matrix, right: np.ndarray, clusters: np.ndarray, tolerance: float = 1e-4) -> np.ndarray:
    """Solve matrix (N, N) @ x = right (N, C) by conjugate gradients with a two-level preconditioner (Nicolaides 1987).

    clusters (N,): ids 0..K-1 of groups of some dozens of neighbouring unknowns; the system summed over them, (K, K), is factorised and
    carries corrections over long distances, so that a few dozen iterations suffice. tolerance: residual relative to the right side.
    Raises ReconstructionError when it does not converge, as with a matrix that is not positive definite.
    """
    count = len(clusters)
    gather = sp.csr_matrix((np.ones(count), (np.arange(count), clusters)))
    coarse = splu((gather.T @ matrix @ gather).tocsc())
    scale = 1 / matrix.diagonal()

    def precondition(residual: np.ndarray) -> np.ndarray:
        summed = np.stack([np.bincount(clusters, row, gather.shape[1]) for row in residual], axis=1)
        conditioned = np.ascontiguousarray(coarse.solve(summed).T)[:, clusters]
        conditioned += scale * residual
        return conditioned

    # A row a column of the right side: contiguous, its sums and products take less than two thirds of the time.
    residual = np.array(right.T, np.float64, order="C")
    solution = np.zeros_like(residual)
    target = tolerance * np.linalg.norm(residual, axis=1)
    direction = precondition(residual)
    energy = _dots(residual, direction)
    for _ in range(_ITERATIONS):
        if (np.sqrt(_dots(residual, residual)) <= target).all():
            return np.ascontiguousarray(solution.T)
        image = np.stack([matrix @ row for row in direction])
        step = energy / np.maximum(_dots(direction, image), 1e-300)
        solution += step[:, None] * direction
        image *= step[:, None]
        residual -= image
        conditioned = precondition(residual)
        previous, energy = energy, _dots(residual, conditioned)
        direction *= (energy / np.maximum(previous, 1e-300))[:, None]
        direction += conditioned
    raise ReconstructionError("A smoothing step of the reconstruction did not converge; try another quality setting and report the photo.")


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", a, b)
