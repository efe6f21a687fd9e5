"""Tests whether a Python environment can do the work.

`python -I launch.py likeness.worker.selftest [--photo]` writes a summary and ends with 0 or 1.
"""

import argparse
import contextlib
import logging
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from ..core.errors import AssetError, Cancelled, MemoryExhausted, explain
from ..core.private_folder import PrivateFolder
from ..core.settings import Settings
from .server import versions

logger = logging.getLogger(__name__)


def self_test(
    photo: bool = True, progress: Callable[[str, float], None] | None = None, cancel: Callable[[], bool] | None = None
) -> tuple[bool, str]:
    """Whether all went well, and a summary for the user to copy, its first line the verdict. Raises Cancelled when `cancel` says so.

    Always: imports and the models' loading. With `photo` also a draft of the picture that comes with scikit-image, and then missing or
    damaged weights are a failure too; without it only the environment is judged.
    """

    def step(stage: str, fraction: float) -> None:
        if cancel is not None and cancel():
            raise Cancelled("Cancelled.")
        if progress is not None:
            progress(stage, fraction)

    step("test", 0.0)
    lines = [f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"]
    lines += [f"{name} {version}" for name, version in versions().items()]
    passed = True
    try:
        import torch

        from ..core.networks.weights import hashes, read_checked
        from ..core.photo.mediapipe_parts import mediapipe_solutions
        from ..core.pipeline import Reconstructor

        with mediapipe_solutions() as solutions:
            logger.debug("MediaPipe is at %s", solutions.__file__)

        step("test", 0.1)

        lines.append(f"device {_device()}, {torch.get_num_threads()} threads")
        for name, digest in hashes().items():
            read_checked(name)
            lines.append(f"{name} {digest[:16]}")
        step("load", 0.2)
        start = time.perf_counter()
        reconstructor = Reconstructor.load()
        lines.append(f"models loaded in {time.perf_counter() - start:.1f} s")
        if photo:
            with _test_photo() as path:
                start = time.perf_counter()
                draft = Settings(quality="draft")
                result = reconstructor.run(path, draft, lambda stage, fraction: step(stage, 0.3 + 0.7 * fraction), cancel)
            lines.append(f"test photo: {len(result.surface.vertices)} vertices in {time.perf_counter() - start:.1f} s")
    except AssetError as error:
        passed = not photo
        lines.append(f"{'failed' if photo else 'note'}: {error}")
    except Exception as error:
        known = explain(error, "The self-test")
        if isinstance(known, Cancelled | MemoryExhausted):
            raise known from error
        logger.exception("The self-test failed")
        passed = False
        lines.append(f"failed: {known}")
        if known is not error:
            lines.append("".join(traceback.format_exception_only(error)).strip())
    return passed, "\n".join(["Self-test passed." if passed else "Self-test failed.", *lines])


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextlib.contextmanager
def _test_photo() -> Iterator[Path]:
    import skimage.data
    from PIL import Image

    with PrivateFolder() as folder:
        path = folder.path / "astronaut.png"
        Image.fromarray(skimage.data.astronaut()).save(path)
        yield path


def main() -> None:
    parser = argparse.ArgumentParser(prog="likeness self-test")
    parser.add_argument("--photo", action="store_true", help="also reconstruct a test photo")
    passed, summary = self_test(parser.parse_args().photo)
    sys.stdout.write(summary + "\n")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
