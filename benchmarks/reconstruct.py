"""Time and peak memory of one photo to one coloured head, stage by stage: `python -m likeness.benchmarks.reconstruct [PHOTO]`.

Warm: models loaded and one run done before; each quality in a process of its own, so that the peaks are its own. Medians of RUNS runs.
The last column is the reference implementation's octree loop at the same grid, PIFu's network, same class of machine (2 cores; measured
once with random weights, network evaluation and marching cubes only, without photo, colour or fit).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REFERENCE = {"standard": {"total": 23.1, "memory": 1760.0}, "high": {"total": 93.0, "memory": 9460.0}}
RUNS = 3


def one(photo: Path, quality: str) -> dict[str, float]:
    """Median seconds a stage, the total and the peak memory in MB; runs in this process."""
    from ..core.pipeline import Reconstructor
    from ..core.settings import Settings

    reconstructor = Reconstructor.load()
    settings = Settings(quality=quality)
    reconstructor.run(photo, Settings(quality="draft"))
    reports = [reconstructor.run(photo, settings).report for _ in range(RUNS)]
    stages = {name: statistics.median(r["timings"][name] for r in reports) for name in reports[0]["timings"]}
    return stages | {
        "total": statistics.median(sum(r["timings"].values()) for r in reports),
        "memory": max(r["peak_memory_mb"] or 0 for r in reports),
    }


def main() -> None:
    """Command line; prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path, nargs="?")
    parser.add_argument("--quality", choices=("draft", "standard", "high"), help="measure one quality and print JSON")
    arguments = parser.parse_args()
    photo = arguments.photo or _astronaut()
    if arguments.quality:
        print(json.dumps(one(photo, arguments.quality)))
        return
    columns = {}
    for quality in REFERENCE:
        command = [sys.executable, "-m", "likeness.benchmarks.reconstruct", str(photo), "--quality", quality]
        columns[quality] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    print("| | 256³ | 512³ |\n|---|---|---|")
    for name in columns["standard"]:
        unit = "MB" if name == "memory" else "s"
        print(f"| {name} ({unit}) | " + " | ".join(f"{columns[q][name]:.2f}" for q in REFERENCE) + " |")
    for name in ("total", "memory"):
        print(f"| reference loop, {name} | " + " | ".join(f"{REFERENCE[q][name]:.0f}" for q in REFERENCE) + " |")


def _astronaut() -> Path:
    from PIL import Image
    from skimage.data import astronaut

    path = Path(tempfile.mkdtemp()) / "astronaut.png"
    Image.fromarray(astronaut()).save(path)
    return path


if __name__ == "__main__":
    main()
