"""`likeness animate`: a head that moves like the face in a video, in pictures, or in a recording of Live Link Face."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any

from ..core.animation.performance import Performance
from ..core.errors import Cancelled, InputError
from ..core.settings import Settings
from ..worker.client import WorkerClient
from .checks import check_exists, check_photo
from .console import Console
from .failures import failed
from .head import HeadPlan, Processes
from .names import safe_name
from .options import add_command, add_head_options

_RECORDING = ".csv"


def add_animate(commands: Any) -> None:
    """Add the sub-command to an argparse parser's commands."""
    command = add_command(commands, "animate", "make a head that moves like the face in a video")
    command.add_argument("source", metavar="SOURCE", type=Path, help="video, folder of pictures, photo, or CSV file of Live Link Face")
    command.add_argument("--head", metavar="PHOTO", type=Path, help="photo of the head; by default a frame of the video")
    command.add_argument("--smoothing", type=_seconds, default=0.2, help="seconds over which movement is smoothed, 0 for none")
    command.add_argument("--output", metavar="DIR", type=Path, required=True, help="folder for the files")
    add_head_options(command, rig=True, subject="head", all_subjects=False, height=Settings().height)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace, console: Console) -> int:
    plan = HeadPlan.of(options)
    _check(options)
    with ExitStack() as stack:
        name = safe_name(options.source.stem)
        outputs = stack.enter_context(plan.claim(options.output, name, plan.inputs(options.source, options.head)))
        processes = stack.enter_context(closing(Processes(plan.blender)))
        try:
            performance = _performance(options, processes.client, outputs.scratch, console.progress)
            photo = options.head or head_frame(options.source, performance, outputs.scratch)
            plan.make_and_tell(processes, [photo], outputs, name, console, performance)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - told by `failed`
            return failed(error, "The animation", console, options.output, plan.settings.to_dict(), processes.client.log)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Raises InputError for what can be seen at once."""
    check_exists(options.source)
    if options.source.suffix.lower() == _RECORDING and options.head is None:
        raise InputError(f"{options.source.name} shows no head; give the photo of one with --head.")
    if options.source.is_dir() and options.output.exists() and options.source.samefile(options.output):
        raise InputError(f"The results would lie among the pictures of {options.source}; choose another --output.")
    if options.head is not None:
        check_photo(options.head)


def _performance(options: argparse.Namespace, client: WorkerClient, folder: Path, progress: Callable[[str, float], None]) -> Performance:
    """What the face in the source does. Raises LikenessError."""
    if options.source.suffix.lower() == _RECORDING:
        from ..core.animation.live_link import read_live_link

        return read_live_link(options.source)
    client.track(options.source, options.smoothing, folder / "performance.npz")
    return Performance.load(client.wait(progress))


def head_frame(source: Path, performance: Performance, folder: Path) -> Path:
    """The frame of a video or of a folder of pictures that shows the face most from the front, as a picture in `folder`."""
    import numpy as np
    from PIL import Image

    from ..core.animation.pictures import open_pictures
    from ..core.models.joints import NECK

    turned = np.linalg.norm(performance.rotations[:, NECK], axis=1)
    best = int(np.where(performance.seen, turned, np.inf).argmin())
    with open_pictures(source) as pictures:
        picture = next(islice(pictures.frames, best, None))
    path = folder / f"{source.stem}.png"
    Image.fromarray(picture).save(path)
    return path


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 2:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 2 seconds")
    return value
