"""How the stages of a run share its time."""

import pytest

from likeness.core.progress import Clock


def test_the_stages_that_are_left_share_the_time_and_progress_never_goes_back() -> None:
    told: list[tuple[str, float]] = []
    clock = Clock(["photo", "fit", "head", "colour"], lambda stage, share: told.append((stage, share)))
    with clock.stage("photo"):
        pass
    early = told[-1][1]
    clock.leave_out("head", "rig")
    for stage in ("fit", "colour"):
        with clock.stage(stage):
            pass
    shares = [share for _, share in told]
    assert 0 < early < 0.1 and shares == sorted(shares) and shares[-1] == pytest.approx(1)
    with pytest.raises(KeyError), clock.stage("head"):
        pass
