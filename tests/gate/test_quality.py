"""The whole pipeline on six stored drawn people: no measure leaves the band around the result that is stored for it (bands.py).

Better than its band fails too: the stored results have to be those of today, or the next change could lose what this one won.
"""

import pytest

from .bands import Rows, mean_of, measured, stored, table, worse

BANDS = stored()


@pytest.fixture(scope="module")
def rows() -> Rows:
    found = measured()
    print(table(BANDS, found))
    return found


def test_all_stored_people_are_measured(rows: Rows) -> None:
    assert all(set(band["people"]) == set(rows) for band in BANDS.values())


@pytest.mark.parametrize("measure", BANDS)
def test_the_mean_stays_where_it_was(rows: Rows, measure: str) -> None:
    band = BANDS[measure]
    assert mean_of(rows, measure) == pytest.approx(band["mean"], abs=band["mean_within"])


@pytest.mark.parametrize("measure", BANDS)
def test_no_person_comes_out_worse(rows: Rows, measure: str) -> None:
    by = worse(BANDS[measure], rows, measure)
    assert {name: change for name, change in by.items() if change > BANDS[measure]["person_within"]} == {}
