"""`likeness evaluate`: its options, and what they start. Importing this needs neither torch nor bpy."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError, WorkerError
from ..settings import DEVICES, QUALITIES, Settings

_NAMES = ("mean", "fitted", "likeness")


def add_command(commands: Any) -> None:
    """Add the sub-command to an argparse parser's commands."""
    command = commands.add_parser(
        "evaluate", help="measure reconstructions against truth", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    command.add_argument("--set", metavar="DIR", dest="sets", type=Path, action="append", default=[], help="evaluation set; repeatable")
    command.add_argument("--photos", metavar="DIR", type=Path, help="your own photos: outlines, landmarks and pictures only")
    command.add_argument("--output", metavar="DIR", type=Path, required=True, help="folder for report.md, subjects.csv and pictures")
    command.add_argument("--small", action="store_true", help="8 cases a set and 10,000 samples a mesh, instead of all and 5 x 100,000")
    command.add_argument("--methods", type=_methods, default=",".join(_NAMES), help=f"separated by commas: {', '.join(_NAMES)}")
    command.add_argument(
        "--field",
        metavar="FILE",
        dest="fields",
        type=Path,
        action="append",
        default=[],
        help="another trained field, beside the bundled one; repeatable",
    )
    command.add_argument("--quality", choices=QUALITIES, default=Settings.quality, help="of the reconstructions")
    command.add_argument("--device", choices=DEVICES, default=Settings.device, help="where the networks run")
    command.add_argument("--verbose", action="store_true", help="show the log, and tracebacks of unexpected failures")


def run_command(options: argparse.Namespace, progress: Callable[[str, float], None]) -> list[Path]:
    """Evaluate as the options say; the files that were written. Raises LikenessError."""
    if not options.sets and options.photos is None:
        raise InputError("There is nothing to evaluate; give --set or --photos.")
    try:
        from .run import evaluate, photo_set
        from .score import SMALL, Effort
    except ImportError as error:
        raise WorkerError(
            f"This Python lacks what an evaluation needs ({error}); use the development environment (make evaluate)."
        ) from error

    effort = SMALL if options.small else Effort()
    settings = Settings(quality=options.quality, device=options.device)
    try:
        with tempfile.TemporaryDirectory(prefix="likeness-") as own:
            sets = [*options.sets, *([photo_set(options.photos, Path(own) / "photos")] if options.photos is not None else [])]
            return evaluate(sets, options.output, options.methods, effort, settings, tuple(options.fields), progress)
    except OSError as error:
        raise InputError(f"{error.filename or options.output} cannot be used ({error.strerror}); choose another folder.") from error


def _methods(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not wanted or set(wanted) - set(_NAMES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {', '.join(_NAMES)}")
    return wanted
