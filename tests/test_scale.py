"""The simulation of large batches agrees with the calculation where nothing happens that a calculation leaves out."""

import pytest

from likeness.benchmarks.scale import Fleet

QUIET = Fleet(photos=20_000, workers=10, spread=0.2, start=0.0, deaths=0.0)


def test_without_deaths_the_simulation_takes_what_was_calculated():
    assert QUIET.simulated()["hours"] == pytest.approx(QUIET.calculated()["hours"], rel=0.02)


def test_every_death_costs_one_row_begun_twice_and_time():
    busy = Fleet(photos=20_000, workers=10, spread=0.2, start=0.0, deaths=2.0).simulated()
    assert busy["repeated"] == busy["deaths"] > 10
    assert busy["hours"] > QUIET.simulated()["hours"]


def test_twice_the_workers_take_half_the_time():
    twice = Fleet(photos=20_000, workers=20, spread=0.2, start=0.0, deaths=0.0)
    assert twice.simulated()["hours"] == pytest.approx(QUIET.simulated()["hours"] / 2, rel=0.02)
