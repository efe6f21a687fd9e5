"""Large sparse positive definite systems, such as Laplacians of meshes and pictures."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from ..errors import ReconstructionError
from .parallel import in_threads

Precondition = Callable[[np.ndarray], np.ndarray]
_ITERATIONS = 500
_FAILED = "A smoothing step of the reconstruction did not converge; try another quality setting and report the photo."


class Bending:
    """The matrix D + s UᵀU of a mesh that is held in its place by the diagonal D and stiff by s; U takes from every vertex the mean of its
    neighbours. To multiply by U and by Uᵀ reads two thirds of their product, which is never made."""

    def __init__(self, adjacency: sp.csr_matrix, held: np.ndarray, stiffness: float) -> None:
        """adjacency (N, N): symmetric, 1 between neighbours, of which every vertex has some; held (N,): D; stiffness: s."""
        self._neighbours, self._held, self._stiffness = adjacency.astype(np.float64), held, stiffness
        self._share = 1 / np.diff(adjacency.indptr)

    def __matmul__(self, values: np.ndarray) -> np.ndarray:
        return self._held * values + self.bent(values)

    def bent(self, values: np.ndarray) -> np.ndarray:
        """s UᵀU times values (N,)."""
        apart = values - self._share * (self._neighbours @ values)
        return self._stiffness * (apart - self._neighbours @ (self._share * apart))

    def diagonal(self) -> np.ndarray:
        """(N,) of the matrix."""
        return self._held + self._stiffness * (1 + self._neighbours @ self._share**2)

    def summed(self, gather: sp.csr_matrix) -> sp.csr_matrix:
        """(K, K) over groups, gather (N, K)."""
        apart = gather - sp.diags(self._share) @ (self._neighbours @ gather)
        return gather.T @ sp.diags(self._held) @ gather + self._stiffness * (apart.T @ apart)


def solve_positive(matrix: sp.csr_matrix | Bending, right: np.ndarray, clusters: np.ndarray, tolerance: float = 1e-4) -> np.ndarray:
    """Solve matrix (N, N) @ x = right (N, C) by conjugate gradients with a two-level preconditioner (Nicolaides 1987).

    clusters (N,): ids 0..K-1 of groups of some dozens of neighbouring unknowns; the system summed over them, (K, K), is factorised and
    carries corrections over long distances, so that a few dozen iterations suffice. tolerance: residual relative to the right side.
    Raises ReconstructionError when it does not converge, as with a matrix that is not positive definite.
    """
    count = len(clusters)
    gather = sp.csr_matrix((np.ones(count), (np.arange(count), clusters)))
    coarse = splu((matrix.summed(gather) if isinstance(matrix, Bending) else gather.T @ matrix @ gather).tocsc())
    scale = 1 / matrix.diagonal()

    def precondition(residual: np.ndarray) -> np.ndarray:
        conditioned = coarse.solve(np.bincount(clusters, residual, gather.shape[1]))[clusters]
        conditioned += scale * residual
        return conditioned

    columns = [_Column(matrix, precondition, column.astype(np.float64), tolerance) for column in right.T]
    # A column after the other fits the cache.
    rounds = max(in_threads(lambda column: column.improved(0), columns))
    # Where tolerances are wide, the columns of a mesh's coordinates are to be equally good.
    in_threads(lambda column: column.improved(rounds), columns)
    return np.stack([column.solution for column in columns], axis=1)


class _Column:
    """One column of the solution, (N,), and where its iteration stands."""

    def __init__(self, matrix: sp.csr_matrix | Bending, precondition: Precondition, right: np.ndarray, tolerance: float) -> None:
        self._matrix, self._precondition, self._residual = matrix, precondition, right
        self.solution, self._target = np.zeros_like(right), tolerance * np.linalg.norm(right)
        self._direction, self._rounds = precondition(right), 0
        self._energy = right @ self._direction

    def improved(self, least: int) -> int:
        """How many rounds there were after some more of them, if need be: so many at least, and until the residual is small,
        which one that is no number never is."""
        while self._rounds < least or not np.linalg.norm(self._residual) <= self._target:
            if self._rounds == _ITERATIONS:
                raise ReconstructionError(_FAILED)
            image = self._matrix @ self._direction
            step = self._energy / max(self._direction @ image, 1e-300)
            self.solution += step * self._direction
            image *= step
            self._residual -= image
            conditioned = self._precondition(self._residual)
            previous, self._energy = self._energy, self._residual @ conditioned
            self._direction *= self._energy / max(previous, 1e-300)
            self._direction += conditioned
            self._rounds += 1
        return self._rounds
