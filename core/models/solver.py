"""The one solver of all fits: Gauss-Newton and Levenberg-Marquardt steps on small dense least-squares problems, within bounds.

A fit tells how its residuals look from where it is (a Quadratic) and how to take a step; robust losses are weights that it puts into that
(iteratively reweighted least squares).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from ..errors import Cancelled

State = TypeVar("State")
Stage = TypeVar("Stage")
_FIRST_DAMPING, _LEAST_DAMPING = 1e-3, 1e-6
_ATTEMPTS = 4  # dampings that a step tries before the solver gives up


@dataclass(frozen=True)
class Quadratic:
    """A least-squares energy around a state, as a function of a step x (P,): x.matrix.x / 2 - right.x up to a constant.

    matrix (P, P): J.T @ J of the residuals' Jacobian, plus priors; right (P,): -J.T @ residuals, plus the priors' part. low, high (P,):
    bounds of the step, infinite or None where there are none.
    """

    matrix: np.ndarray
    right: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    def step(self, damping: float = 0.0) -> np.ndarray:
        """The step (P,) within the bounds to the lowest point, shortened by damping of the matrix's diagonal (Marquardt 1963)."""
        matrix = self.matrix + damping * np.diag(np.diag(self.matrix)) if damping else self.matrix
        if self.low is None or self.high is None:
            return np.linalg.solve(matrix, self.right)
        return bounded_solve(matrix, self.right, self.low, self.high)


def minimise(
    state: State,
    linearise: Callable[[State, Stage], Quadratic],
    move: Callable[[State, np.ndarray], State],
    stages: Iterable[Stage],
    energy: Callable[[State], float] | None = None,
    tolerance: float = 0.0,
    cancel: Callable[[], bool] | None = None,
) -> State:
    """The state after one step for each of the stages, or fewer when it has converged. Raises Cancelled when cancel answers True.

    linearise: the problem around a state; it is also told the stage, such as the reach of this round's matches. move: a state after a step.
    energy: what the steps must lower (Levenberg-Marquardt). A step that does not is shortened; the search ends where no step does, or where
    the energy falls by less than tolerance, a share of it. Without energy every step is taken in full (Gauss-Newton), which is right where
    the energy itself changes from stage to stage, as with closest places.
    """
    damping, cost = _FIRST_DAMPING, np.inf if energy is None else energy(state)
    for stage in stages:
        if cancel is not None and cancel():
            raise Cancelled("The fit was stopped.")
        quadratic = linearise(state, stage)
        if energy is None:
            state = move(state, quadratic.step())
            continue
        for _ in range(_ATTEMPTS):
            tried = move(state, quadratic.step(damping))
            reached = energy(tried)
            if reached < cost:
                break
            damping *= 10
        else:
            return state
        done = cost - reached < tolerance * cost
        state, cost, damping = tried, reached, max(damping / 5, _LEAST_DAMPING)
        if done:
            break
    return state


class ViewProblem(Protocol[State]):
    """The least-squares energy of one photo over its own state; `size` unknowns make a step."""

    @property
    def size(self) -> int:
        """Unknowns of a step."""
        ...

    def energy(self, state: State) -> float:
        """Of a state."""
        ...

    def linearised(self, state: State) -> Quadratic:
        """The energy around a state, over steps (size,)."""
        ...

    def moved(self, state: State, step: np.ndarray) -> State:
        """The state after a step (size,)."""
        ...


class SharedProblem(Generic[State]):
    """The energies of several photos of one person, for `minimise`. A state is a list with one a photo; a step holds the `shared` unknowns,
    the first of each photo's, then what each photo has of its own."""

    def __init__(self, views: Sequence[ViewProblem[State]], shared: int) -> None:
        self._views = views
        self._places, self._total = [], shared  # of each view's unknowns in the joint step
        for view in views:
            own = view.size - shared
            self._places.append(np.r_[np.arange(shared), np.arange(self._total, self._total + own)])
            self._total += own

    def energy(self, states: Sequence[State]) -> float:
        """The sum of all photos'."""
        return sum(view.energy(state) for view, state in zip(self._views, states, strict=True))

    def linearised(self, states: Sequence[State], _: int = 0) -> Quadratic:
        """The sum around the states, over joint steps."""
        total = self._total
        matrix, right = np.zeros((total, total)), np.zeros(total)
        low, high = np.full(total, -np.inf), np.full(total, np.inf)
        for view, state, place in zip(self._views, states, self._places, strict=True):
            part = view.linearised(state)
            matrix[np.ix_(place, place)] += part.matrix
            right[place] += part.right
            if part.low is not None and part.high is not None:
                low[place], high[place] = part.low, part.high
        return Quadratic(matrix, right, low, high)

    def moved(self, states: Sequence[State], step: np.ndarray) -> list[State]:
        """Each photo's state after its part of a joint step."""
        return [view.moved(state, step[place]) for view, state, place in zip(self._views, states, self._places, strict=True)]


def cauchy_loss(squared: np.ndarray, scale: float) -> np.ndarray:
    """The robust loss of squared residuals: from about scale on, large ones count less than their square."""
    return scale**2 * np.log1p(squared / scale**2)


def cauchy_weight(squared: np.ndarray, scale: float, trust: np.ndarray | float = 1.0) -> np.ndarray:
    """The weight of squared residuals in a Quadratic that stands for trust times `cauchy_loss`."""
    return trust / (1 + squared / scale**2)


def slopes(function: Callable[[np.ndarray], np.ndarray], place: np.ndarray, here: np.ndarray, delta: float) -> np.ndarray:
    """Numeric derivatives (N, P) of function (P,) -> (N,), whose value at place (P,) is here (N,)."""
    return np.stack([(function(place + delta * axis) - here) / delta for axis in np.eye(len(place))], axis=1)


def bounded_solve(matrix: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray, rounds: int = 6) -> np.ndarray:
    """Minimiser of x.A.x / 2 - b.x within low <= x <= high, A (N, N) positive definite, by clamping violators and solving for the rest."""
    fixed = np.zeros(len(right), bool)
    solution = np.zeros(len(right))
    for _ in range(rounds):
        free = ~fixed
        solution[free] = np.linalg.solve(matrix[np.ix_(free, free)], right[free] - matrix[np.ix_(free, fixed)] @ solution[fixed])
        outside = free & ((solution < low) | (solution > high))
        solution = np.clip(solution, low, high)
        # Let go of those that the rest now pushes back inside.
        pull = right - matrix @ solution
        released = fixed & (((solution <= low) & (pull > 0)) | ((solution >= high) & (pull < 0)))
        if not (outside.any() or released.any()):
            break
        fixed = (fixed | outside) & ~released
    return solution
