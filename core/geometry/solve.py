"""Large sparse positive definite systems, such as Laplacians of meshes and pictures."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from ..errors import ReconstructionError

_ITERATIONS = 500
_FAILED = "A smoothing step of the reconstruction did not converge; try another quality setting and report the photo."


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
        conditioned = coarse.solve(np.bincount(clusters, residual, gather.shape[1]))[clusters]
        conditioned += scale * residual
        return conditioned

    def solved(column: np.ndarray) -> np.ndarray:
        residual = column.astype(np.float64)
        solution, target = np.zeros(count), tolerance * np.linalg.norm(residual)
        direction = precondition(residual)
        energy = residual @ direction
        for _ in range(_ITERATIONS):
            if np.linalg.norm(residual) <= target:
                return solution
            image = matrix @ direction
            step = energy / max(direction @ image, 1e-300)
            solution += step * direction
            image *= step
            residual -= image
            conditioned = precondition(residual)
            previous, energy = energy, residual @ conditioned
            direction *= energy / max(previous, 1e-300)
            direction += conditioned
        raise ReconstructionError(_FAILED)

    # A column after the other fits the cache, and SciPy lets go of the interpreter while it multiplies.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(solved, right.T)), axis=1)
