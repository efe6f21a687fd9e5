"""The solver of all fits against SciPy's, which shares no code with it."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from likeness.core.errors import Cancelled
from likeness.core.models.solver import Quadratic, bounded_solve, cauchy_loss, cauchy_weight, minimise, slopes

TIMES = np.linspace(0, 4, 40)
LOW, HIGH = np.array([0.0, 0.2, -1.0]), np.array([3.0, 2.0, 0.25])
SCALE = 0.1


def decay(place: np.ndarray) -> np.ndarray:
    """A curve (40,) of amplitude, rate and level (3,)."""
    return place[0] * np.exp(-place[1] * TIMES) + place[2]


@pytest.fixture(scope="module")
def measured() -> np.ndarray:
    """Noisy values of a curve whose level lies beyond HIGH, every tenth of them far off."""
    rng = np.random.default_rng(0)
    values = decay(np.array([2.0, 0.9, 0.3])) + rng.normal(0, 0.02, len(TIMES))
    values[::10] += 1.5
    return values


def solved(measured: np.ndarray, robust: bool, start: np.ndarray, steps: int = 60) -> np.ndarray:
    def squared(place: np.ndarray) -> np.ndarray:
        return (decay(place) - measured) ** 2

    def linearise(place: np.ndarray, _: int) -> Quadratic:
        error = decay(place) - measured
        weight = cauchy_weight(error**2, SCALE) if robust else np.ones(len(error))
        jacobian = slopes(decay, place, decay(place), 1e-6)
        matrix, right = jacobian.T @ (weight[:, None] * jacobian), -jacobian.T @ (weight * error)
        return Quadratic(matrix, right, LOW - place, HIGH - place)

    def energy(place: np.ndarray) -> float:
        return float((cauchy_loss(squared(place), SCALE) if robust else squared(place)).sum())

    return minimise(start, linearise, lambda place, step: place + step, range(steps), energy)


@pytest.mark.parametrize("robust", [False, True])
def test_the_bounded_robust_minimum_is_the_one_that_scipy_finds(measured: np.ndarray, robust: bool) -> None:
    start = np.array([1.0, 1.5, 0.0])
    options = {"loss": "cauchy", "f_scale": SCALE} if robust else {}
    wanted = least_squares(lambda place: decay(place) - measured, start, bounds=(LOW, HIGH), xtol=1e-12, ftol=1e-12, **options).x
    found = solved(measured, robust, start)
    assert np.allclose(found, wanted, atol=2e-4)
    assert found[2] == pytest.approx(HIGH[2], abs=1e-9)  # the bound holds it
    if robust:
        assert np.abs(found[:2] - [2.0, 0.9]).max() < 0.1  # what is far off counts little


def test_damping_saves_a_start_from_which_full_steps_run_away() -> None:
    # Gauss-Newton on arctan diverges from beyond 1.39.
    linearise = lambda x, _: Quadratic(np.diag(1 / (1 + x**2) ** 2), -np.arctan(x) / (1 + x**2))  # noqa: E731
    start, move = np.array([2.0]), lambda x, step: x + step
    damped = minimise(start, linearise, move, range(50), lambda x: float(np.arctan(x[0]) ** 2))
    with np.errstate(all="ignore"):
        full = minimise(start, linearise, move, range(4))
    assert abs(damped[0]) < 1e-6 and abs(full[0]) > 3


def test_it_ends_where_the_energy_hardly_falls_and_where_it_is_told() -> None:
    asked = []
    linearise = lambda x, stage: (asked.append(stage), Quadratic(np.eye(1), 1 - x))[1]  # noqa: E731
    move, energy = lambda x, step: x + step, lambda x: float((x[0] - 1) ** 2)
    minimise(np.zeros(1), linearise, move, range(100), energy, tolerance=1e-3)
    assert len(asked) < 100
    with pytest.raises(Cancelled):
        minimise(np.zeros(1), linearise, move, range(100), cancel=lambda: True)


def test_bounded_solve_finds_the_constrained_minimum():
    rng = np.random.default_rng(1)
    for _ in range(20):
        root = rng.normal(size=(8, 8))
        matrix, right = root @ root.T + np.eye(8), rng.normal(size=8) * 3
        low, high = np.full(8, -0.2), np.full(8, 0.3)
        solution = bounded_solve(matrix, right, low, high, rounds=30)
        slope = matrix @ solution - right
        inside = (solution > low + 1e-9) & (solution < high - 1e-9)
        assert np.allclose(slope[inside], 0, atol=1e-8)
        assert (slope[solution <= low] >= -1e-8).all() and (slope[solution >= high] <= 1e-8).all()
