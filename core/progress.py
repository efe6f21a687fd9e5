"""Progress and cancelling of every long work: the one list of stages for pipeline, worker and Blender, and the clock that runs them."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise

from .errors import Cancelled

log = logging.getLogger(__name__)
BATCH = 32_768
"""Points between two answers to whether to stop."""
Progress = Callable[[str, float], None]
"""progress(stage, share of the whole work in [0, 1])."""
Cancel = Callable[[], bool]
"""Whether to stop."""


@dataclass(frozen=True)
class Stage:
    """label: the artist's words. share: of a reconstruction's time, roughly; 0 for what is no part of one."""

    label: str
    share: int = 0


STAGES = {
    "start": Stage("Starting the Worker"),
    "load": Stage("Loading the Networks"),
    "photo": Stage("Reading the Photo", 8),
    "fit": Stage("Fitting the Model", 2),
    "normals": Stage("Predicting Relief", 3),
    "field": Stage("Predicting Shape", 28),
    "surface": Stage("Extracting the Surface", 24),
    "detail": Stage("Adding Detail", 6),
    "rig": Stage("Rigging the Head", 5),
    "flame": Stage("Fitting FLAME", 5),
    "clean": Stage("Cleaning the Surface", 8),
    "colour": Stage("Colouring", 13),
    "mend": Stage("Mending the Surface", 16),
    "head": Stage("Making the Head", 60),
    "texture": Stage("Painting the Texture", 12),
    "track": Stage("Tracking the Face"),
    "frames": Stage("Choosing Frames"),
    "retopology": Stage("Making the Retopo Mesh"),
    "export": Stage("Writing the Files"),
    "test": Stage("Testing"),
}
"""Those of a reconstruction in the order in which it goes through them."""
RECONSTRUCTION = tuple(name for name, stage in STAGES.items() if stage.share)
PREPARATION = ("fit", "normals")
"""What every field of a photo shares."""


def stage_label(name: str) -> str:
    """A stage in the artist's words; what is no known stage stays as it is."""
    return STAGES[name].label if name in STAGES else name


def check(cancel: Cancel | None) -> None:
    """Raises Cancelled when `cancel` answers True."""
    if cancel is not None and cancel():
        raise Cancelled("The reconstruction was stopped.")


def batches(count: int, cancel: Cancel | None = None, size: int = BATCH) -> Iterator[slice]:
    """Slices of at most `size` of `count` items. Raises Cancelled before any of them."""
    for start in range(0, count, size):
        check(cancel)
        yield slice(start, start + size)


class Clock:
    """Times the stages of a reconstruction (timings: seconds), reports overall progress and asks whether to stop."""

    def __init__(self, stages: Sequence[str], progress: Progress | None = None, cancel: Cancel | None = None) -> None:
        self._progress, self.cancel = progress, cancel
        self.timings: dict[str, float] = {}
        self._share_out(stages)

    def _share_out(self, stages: Sequence[str]) -> None:
        shares = [STAGES[name].share for name in stages]
        ends = [end / sum(shares) for end in accumulate(shares, initial=0)]
        self._spans = dict(zip(stages, pairwise(ends), strict=True))

    def leave_out(self, *names: str) -> None:
        """Stages that turn out not to be needed: the others share their time."""
        self._share_out([name for name in self._spans if name not in names])

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[float], None]]:
        """Yields a function that takes the stage's own share in [0, 1], and raises Cancelled."""
        start, end = self._spans[name]

        def report(share: float) -> None:
            if share < 1:
                check(self.cancel)
            if self._progress is not None:
                self._progress(name, start + (end - start) * min(max(share, 0.0), 1.0))

        report(0.0)
        begun = time.perf_counter()
        yield report
        self.timings[name] = round(time.perf_counter() - begun, 3)
        log.info("%s: %.2f s", name, self.timings[name])
        report(1.0)
