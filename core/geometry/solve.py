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
    scale = 1 / matrix.diagonal()[:, None]

    def precondition(residual: np.ndarray) -> np.ndarray:
        return scale * residual + gather @ coarse.solve(gather.T @ residual)

    solution = np.zeros_like(right, np.float64)
    residual = right.astype(np.float64)
    target = tolerance * np.linalg.norm(residual, axis=0)
    direction = precondition(residual)
    energy = _columns_dot(residual, direction)
    for _ in range(_ITERATIONS):
        if (np.linalg.norm(residual, axis=0) <= target).all():
            return solution
        image = matrix @ direction
        step = energy / np.maximum(_columns_dot(direction, image), 1e-300)
        solution += step * direction
        residual -= step * image
        conditioned = precondition(residual)
        previous, energy = energy, _columns_dot(residual, conditioned)
        direction = conditioned + energy / np.maximum(previous, 1e-300) * direction
    raise ReconstructionError("A smoothing step of the reconstruction did not converge; try another quality setting and report the photo.")


def _columns_dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->j", a, b)
