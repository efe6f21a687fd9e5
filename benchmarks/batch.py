"""What becomes of a batch that is killed: `python -m likeness.benchmarks.batch PHOTOS WORK [--rows 40] [--kills 3] [--way 1 2 ray]`.

PHOTOS is a folder of portraits, looked through with its folders; each stands for as many rows as are needed, under names of their own, and
every fifth row is a picture cut in the middle. Each way of running makes all rows in WORK at draft quality: one worker, two, or a local Ray
cluster of two actors, of which one is killed, too. The command is killed at random moments and started again with the same words until all
is done. Prints a Markdown table.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

WAYS = {"1 worker": ["--workers", "1"], "2 workers": ["--workers", "2"], "Ray, 2 actors": ["--workers", "2", "--ray", "local"]}
_BROKEN = 5  # every so many
_LOOK = 0.5  # seconds
_COLUMNS = "way | rows | kills | made + failed | lost | made twice | photos an hour | processor seconds a photo | GB at most"


@dataclass
class Watched:
    """What was seen of a batch while it ran. made: how often each row's report appeared or changed; seconds: of the clock; cpu: of the
    processors, all processes together; peak: bytes that they held at once."""

    output: Path
    made: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    _stamps: dict[str, int] = field(default_factory=dict)

    def run(self, command: list[str], results: int, actor_dies: bool) -> None:
        """Until the command ends, or dies soon after so many results are there. actor_dies: so does one of Ray's actors, with the first."""
        begun, spent = time.monotonic(), {}
        child = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while child.poll() is None:
            family = [child, *child.children(recursive=True)]
            self._weigh(family, spent)
            if (found := self._count()) >= results:
                time.sleep(random.uniform(0, 3))
                break
            actors = [process for process in family if _name(process).startswith("ray::_Actor")]
            if actor_dies and found and actors:
                actors[0].kill()
                actor_dies = False
            time.sleep(_LOOK)
        with suppress(psutil.NoSuchProcess):
            child.kill()
        child.wait()
        time.sleep(1)  # workers see that their parent is gone; what is left then are Ray's servers
        for process in spent:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._count()
        self.seconds += time.monotonic() - begun
        self.cpu += sum(spent.values())

    def _count(self) -> int:
        """How many results there are."""
        for report in self.output.glob("*/report.json"):
            name, stamp = report.parent.name, report.stat().st_mtime_ns
            if self._stamps.get(name) != stamp:
                self._stamps[name], self.made[name] = stamp, self.made.get(name, 0) + 1
        return len(self._stamps)

    def _weigh(self, family: list[psutil.Process], spent: dict[psutil.Process, float]) -> None:
        held = 0
        for process in family:
            with suppress(psutil.NoSuchProcess):
                times, memory = process.cpu_times(), process.memory_info()
                spent[process] = times.user + times.system
                held += memory.rss - memory.shared  # pyright: ignore[reportAttributeAccessIssue] - of Linux
        self.peak = max(self.peak, held)


def rows(photos: Path, folder: Path, count: int) -> None:
    """Fill a folder with pictures: copies of the photos in turn, of which every fifth is cut in the middle."""
    folder.mkdir(parents=True)
    found = sorted(path for path in photos.rglob("*") if path.suffix in (".png", ".jpg"))
    for number in range(count):
        photo = found[number % len(found)]
        data = photo.read_bytes()
        (folder / f"{number:03d}{photo.suffix}").write_bytes(data[: len(data) // 2] if _is_broken(number) else data)


def measure(way: str, work: Path, count: int, kills: int) -> str:
    """A row of the table."""
    watched = Watched(work / way.replace(" ", "-"))
    shutil.rmtree(watched.output, ignore_errors=True)
    whole = sum(not _is_broken(number) for number in range(count))
    command = [sys.executable, "-m", "likeness.cli.main", "batch", str(work / "photos"), "--output", str(watched.output), *WAYS[way]]
    moments = sorted(random.sample(range(2, whole), kills))
    for turn, results in enumerate([*moments, count + 1]):
        watched.run([*command, "--quality", "draft", "--formats", "glb"], results, actor_dies="--ray" in command and not turn)
    entries = [json.loads(line) for line in (watched.output / "summary.jsonl").read_text(encoding="utf-8").splitlines()]
    failed, made = sum(entry["status"] == "failed" for entry in entries), watched.made
    values = [way, count, kills, f"{len(made)} + {failed}", count - len(made) - failed, sum(times > 1 for times in made.values())]
    rates = [f"{whole / watched.seconds * 3600:,.0f}", f"{watched.cpu / whole:.1f}", f"{watched.peak / 1e9:.2f}"]
    return f"| {' | '.join(map(str, [*values, *rates]))} |"


def _is_broken(number: int) -> bool:
    return number % _BROKEN == _BROKEN - 1


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return ""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("work", type=Path, help="folder for the pictures and results of the runs")
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--way", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    random.seed(1)
    shutil.rmtree(options.work / "photos", ignore_errors=True)
    rows(options.photos, options.work / "photos", options.rows)
    print(f"| {_COLUMNS} |\n|{'---|' * (_COLUMNS.count('|') + 1)}")
    for way in options.way:
        print(measure(way, options.work, options.rows, options.kills), flush=True)


if __name__ == "__main__":
    main()
