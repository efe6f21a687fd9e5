"""Time and peak memory of one photo to one coloured head, stage by stage: `python -m likeness.benchmarks.reconstruct [PHOTO]`; with
`--subject body` to one body with the head joined to it.

Warm: models loaded and one run done before; each column in a process of its own, so that the peaks are its own. Medians of RUNS runs.

Beside it, in the same run and on the same photo, the octree loop of the published implementations (reference_loop.py), once: asking our own
network, so that only the loops differ, and at PIFu's network size. The latter would take minutes and is worked out: PIFu's network is timed
on a sample of points, and evaluated as many as the loop has just evaluated ours. The loop makes a bare surface: photo, fit, detail and
colour are not in its times.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.photo.figure import BodyView
from ..core.settings import Settings
from ..worker.client import MEMORY

if TYPE_CHECKING:
    from ..core.pipeline import Reconstructor
    from .reference_loop import PointFunction

QUALITIES = ("standard", "high")
_FIGURE = Path(__file__).parents[1] / "tests" / "core" / "figures" / "front.jpg"
RUNS = 3


def ours(photo: Path, quality: str, subject: str) -> dict[str, float]:
    """Median seconds a stage, the total and the peak memory in MB; runs in this process."""
    from ..core.pipeline import Reconstructor

    reconstructor = Reconstructor.load("cpu")
    gc.freeze()  # as the worker does
    settings = Settings(quality=quality, subject=subject)
    reconstructor.run(photo, Settings(quality="draft", subject=subject))
    reports = [reconstructor.run(photo, settings).report for _ in range(RUNS)]
    stages = {f"{name} (s)": statistics.median(r["timings"][name] for r in reports) for name in reports[0]["timings"]}
    total = statistics.median(sum(r["timings"].values()) for r in reports)
    return stages | {"**total (s)**": total, "peak memory (MB)": max(r["peak_memory_mb"] or 0 for r in reports)}


def reference(photo: Path, quality: str, subject: str) -> dict[str, float]:
    """The reference's loop with our network, and what it would take with PIFu's; runs in this process."""
    import resource

    from ..core.pipeline import Reconstructor
    from .reference_loop import pifu_seconds, timed_loop

    loop = timed_loop(_distance(Reconstructor.load("cpu"), photo, subject), Settings(quality=quality).resolution)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    encoder, million = pifu_seconds()
    evaluated = loop.evaluated / 1e6
    return {
        "reference loop, points evaluated (millions)": evaluated,
        "reference loop, our network: points (s)": loop.network,
        "reference loop, our network: its own work (s)": loop.bookkeeping + loop.marching,
        "**reference loop, our network (s)**": loop.total,
        "reference loop, PIFu's network: encoder (s)": encoder,
        "reference loop, PIFu's network: points, worked out (s)": evaluated * million,
        "**reference loop, PIFu's network, worked out (s)**": encoder + evaluated * million + loop.bookkeeping + loop.marching,
        "reference loop, peak memory (MB)": memory,
    }


def _distance(reconstructor: "Reconstructor", photo: Path, subject: str) -> "PointFunction":
    """The networks' field in the crop of a photo: signed distances in crop units."""
    if subject == "head":
        return reconstructor.heads.crop_field(reconstructor.prepare(reconstructor.intake.load(photo))).distance
    view, bodies = reconstructor.intake.load_subject(photo, subject), reconstructor.bodies
    assert isinstance(view, BodyView)
    prepared = bodies.prepare(view)
    return bodies.field(prepared, bodies.predict(prepared)).distance


PARTS = {"ours": ours, "reference": reference}


def main() -> None:
    """Command line; prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, nargs="?")
    parser.add_argument("--subject", choices=("head", "body"), default="head", help="what to make of the photo")
    parser.add_argument("--quality", choices=("draft", *QUALITIES), help="only this one")
    parser.add_argument("--part", choices=PARTS, help="measure one part of one quality and print JSON")
    arguments = parser.parse_args()
    photo, subject = arguments.photo or (_astronaut() if arguments.subject == "head" else _FIGURE), arguments.subject
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](photo, arguments.quality or QUALITIES[0], subject)))
        return
    qualities = (arguments.quality,) if arguments.quality else QUALITIES
    columns = [{name: value for part in PARTS for name, value in _apart(photo, quality, subject, part).items()} for quality in qualities]
    print(f"| | {' | '.join(f'{Settings(quality=quality).resolution}³' for quality in qualities)} |\n|{'---|' * (len(columns) + 1)}")
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(f"{column[name]:.2f}" for column in columns) + " |")


def _apart(photo: Path, quality: str, subject: str, part: str) -> dict[str, float]:
    """One part in a process of its own, with memory as in the worker."""
    options = ["--quality", quality, "--subject", subject, "--part", part]
    command = [sys.executable, "-m", "likeness.benchmarks.reconstruct", str(photo), *options]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | MEMORY)
    return json.loads(run.stdout.splitlines()[-1])


def _astronaut() -> Path:
    from PIL import Image
    from skimage.data import astronaut

    path = Path(tempfile.mkdtemp()) / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    return path


if __name__ == "__main__":
    main()
