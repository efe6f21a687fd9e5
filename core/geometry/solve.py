"""Large sparse positive definite systems, such as Laplacians of meshes and pictures."""

import os
from concurrent.futures import ThreadPoolExecutor

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

    def solved(column: np.ndarray) -> np.ndarray:
        residual = np.array(column, np.float64)
        solution, target = np.zeros_like(residual), tolerance * np.linalg.norm(residual)
        energy, direction = 0.0, np.zeros_like(residual)
        for _ in range(_ITERATIONS):
            if np.linalg.norm(residual) <= target:
                return solution
            conditioned = coarse.solve(np.bincount(clusters, residual, gather.shape[1]))[clusters]
            conditioned += scale * residual
            previous, energy = energy, float(residual @ conditioned)
            direction *= energy / previous if previous else 0.0
            direction += conditioned
            image = matrix @ direction
            step = energy / max(float(direction @ image), 1e-300)
            solution += step * direction
            image *= step
            residual -= image
        raise ReconstructionError(
            "A smoothing step of the reconstruction did not converge; try another quality setting and report the photo."
        )

    # NumPy and SciPy let go of the interpreter while they work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(solved, right.T)), axis=1)
