"""What a very large batch takes: `python -m likeness.benchmarks.scale [--photos 1000000 --workers 512 ...]`; docs/scale.md has its tables.

A calculation, and beside it a simulation of the same run with what a calculation leaves out: rows of different length, workers that
start and die, rows that are then made again by others, rows that fail, and the last rows for which most workers wait.
"""

import argparse
import heapq
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Fleet:
    """A run and the machines that make it. Seconds are of one core; prices in dollars."""

    photos: int = 1_000_000
    workers: int = 512
    seconds: float = 20.0
    """Median of a row's time on one core, standard quality."""
    spread: float = 0.35
    """Standard deviation of the logarithm of a row's time."""
    start: float = 12.0
    """From the start of a worker to its first row."""
    deaths: float = 0.02
    """Of a worker, per hour: spot machines that are taken back, memory, power."""
    failures: float = 0.03
    """Share of photos of which nothing can be made: no face, damaged, too small."""
    failure_seconds: float = 0.8
    restart: float = 60.0
    """From a worker's death to its successor's start."""
    core_hour: float = 0.03
    megabytes: float = 11.4
    """Of a row's files: .glb, preview, report."""
    gigabyte_month: float = 0.02

    def calculated(self) -> dict[str, float]:
        """Hours, core hours and dollars, of means alone."""
        mean = self.seconds * np.exp(self.spread**2 / 2) * (1 - self.failures) + self.failure_seconds * self.failures
        hours = self.photos * mean / self.workers / 3600
        return {"hours": hours, **self._costs(hours * self.workers)}

    def simulated(self, seed: int = 0) -> dict[str, float]:
        """As calculated, of one simulated run; also rows begun more than once, workers that died, and the seconds at the end in which
        less than half of the workers had a row."""
        rng = np.random.default_rng(seed)
        times = rng.lognormal(np.log(self.seconds), self.spread, self.photos)
        times[rng.random(self.photos) < self.failures] = self.failure_seconds
        waiting = list(range(self.photos - 1, -1, -1))
        lives = lambda: rng.exponential(3600 / self.deaths) if self.deaths else np.inf  # noqa: E731
        # One entry a worker: when it is free, and when it will die.
        idle = [(self.start, number, lives()) for number in range(self.workers)]
        heapq.heapify(idle)
        ends: list[float] = []
        twice = deaths = 0
        while waiting:
            now, number, death = heapq.heappop(idle)
            row = waiting.pop()
            end = now + times[row]
            if end > death:
                waiting.append(row)
                twice, deaths = twice + 1, deaths + 1
                again = max(death, now) + self.restart + self.start
                heapq.heappush(idle, (again, number, again + lives()))
                continue
            ends.append(end)
            heapq.heappush(idle, (end, number, death))
        last = max(ends)
        free = np.sort([moment for moment, _, _ in idle])
        hours = last / 3600
        said = {"repeated": twice, "deaths": deaths, "tail": last - float(free[len(free) // 2])}
        return {"hours": hours, **self._costs(hours * self.workers), **said}

    def _costs(self, core_hours: float) -> dict[str, float]:
        terabytes = self.photos * (1 - self.failures) * self.megabytes / 1e6
        month = terabytes * 1000 * self.gigabyte_month
        return {"core_hours": core_hours, "dollars": core_hours * self.core_hour, "terabytes": terabytes, "storage_month": month}


def table(fleets: dict[str, Fleet]) -> str:
    """Calculation and simulation of each, as rows of Markdown."""
    lines = ["| run | hours | core hours | dollars | TB | $ a month to keep | rows begun twice | last rows |", "|" + "---|" * 8]
    for name, fleet in fleets.items():
        told, seen = fleet.calculated(), fleet.simulated()
        both = [f"{told[key]:,.1f} / {seen[key]:,.1f}" for key in ("hours", "core_hours", "dollars")]
        lines.append(
            f"| {name} | {' | '.join(both)} | {told['terabytes']:.1f} | {told['storage_month']:,.0f} "
            f"| {seen['repeated']} ({seen['deaths']} workers died) | {seen['tail']:.0f} s |"
        )
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in fields(Fleet):
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=type(option.default), default=option.default)
    fleet = Fleet(**{option.name: getattr(parser.parse_args(), option.name) for option in fields(Fleet)})
    print(table({f"{fleet.photos:,} photos, {fleet.workers} workers": fleet}))


if __name__ == "__main__":
    main()
