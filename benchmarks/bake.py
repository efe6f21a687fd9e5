"""Time and peak memory of baking a head's texture: python benchmarks/bake.py RESULT.npz [size ...], for a result with a rigged head.

RESULT.npz is what Result.save writes.
"""

import resource
import sys
import time
from pathlib import Path

from likeness.core.colour.bake import bake_mesh
from likeness.core.colour.head import Anatomy, bake_head
from likeness.core.models.head import HeadModel
from likeness.core.result import Result


def main(path: Path, sizes: list[int]) -> None:
    result, anatomy = Result.load(path), Anatomy.of(HeadModel.load())
    rigged = result.rigged
    if rigged is None:
        raise SystemExit(f"{path} has no rigged head; reconstruct the photo with --rig.")
    posed = rigged.posed(rigged.key_values, rigged.rotations)
    bake_head(rigged, result, anatomy, 256)
    for size in sizes:
        times = [time.perf_counter()]
        bake_head(rigged, result, anatomy, size)
        times.append(time.perf_counter())
        bake_mesh(posed, rigged.faces, rigged.uv, rigged.faces_uv, result, size)
        times.append(time.perf_counter())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{size:5} | head {times[1] - times[0]:5.2f} s | any mesh {times[2] - times[1]:5.2f} s | peak {peak} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(size) for size in sys.argv[2:]] or [1024, 2048, 4096])
