"""`likeness evaluate`: reconstructions measured against truth. A developer's command: the networks run in this
process, and the zip leaves out `evaluation`."""

import argparse
import json
import os
from contextlib import ExitStack, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..core.errors import Cancelled, InputError, WorkerError
from ..core.settings import DEVICES, QUALITIES, Settings
from .checks import check_exists, check_folder
from .console import Console
from .failures import failed
from .names import comparable
from .options import add_command
from .output import Inputs, OutputSet

_NAMES, _USUAL = ("mean", "fitted", "likeness", "joined"), ("mean", "fitted", "likeness")
_PHOTO_SET = "photos"
_RECORD = "environment.json"


def add_evaluate(commands: Any) -> None:
    """Add the sub-command to an argparse parser's commands."""
    command = add_command(commands, "evaluate", "measure reconstructions against truth")
    command.add_argument("--set", metavar="DIR", dest="sets", type=Path, action="append", default=[], help="evaluation set; repeatable")
    command.add_argument("--photos", metavar="DIR", type=Path, help="your own photos: outlines, landmarks and pictures only")
    command.add_argument("--output", metavar="DIR", type=Path, required=True, help="folder for report.md, subjects.csv and pictures")
    command.add_argument("--small", action="store_true", help="8 cases a set and 10,000 samples a mesh, instead of all and 5 x 100,000")
    command.add_argument("--methods", type=_methods, default=",".join(_USUAL), help=f"separated by commas: {', '.join(_NAMES)}")
    command.add_argument(
        "--field",
        metavar="FILE",
        dest="fields",
        type=Path,
        action="append",
        default=[],
        help="another trained field, beside the bundled one; repeatable",
    )
    command.add_argument("--recogniser", metavar="FILE", type=Path, help="face-api's weights: measure whom the heads look like")
    command.add_argument("--quality", choices=QUALITIES, default=Settings.quality, help="of the reconstructions")
    command.add_argument("--device", choices=DEVICES, default=Settings.device, help="where the networks run")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace, console: Console) -> int:
    settings = Settings(quality=options.quality, device=options.device)
    sheets = _check(options)
    with ExitStack() as stack:
        names = ["report.md", "subjects.csv", *sheets]
        inputs = Inputs([*options.sets, *options.fields, *([options.recogniser] if options.recogniser is not None else [])])
        outputs = stack.enter_context(OutputSet(options.output, names, options.output / _RECORD, inputs, options.overwrite))
        stack.enter_context(nullcontext() if options.verbose else console.alone())
        try:
            record = _evaluate(options, settings, outputs, console)
            paths = outputs.commit(record)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - told by `failed`
            return failed(error, "The evaluation", console, options.output, settings.to_dict())
        console.clear()
    console.paths(paths)
    return 0


def _check(options: argparse.Namespace) -> list[str]:
    """The names of the sheets of pictures. Raises LikenessError for what can be seen at once."""
    if find_spec("..evaluation", __package__) is None:
        raise InputError("The extension's zip leaves out what `evaluate` needs; run it in a checkout of the repository.")
    if not options.sets and options.photos is None:
        raise InputError("There is nothing to evaluate; give --set or --photos.")
    folders = [*options.sets, *([options.photos] if options.photos is not None else [])]
    for folder in folders:
        check_folder(folder)
        if options.output.exists() and folder.samefile(options.output):
            raise InputError(f"The report would lie in {folder}, which is evaluated; choose another --output.")
    for file in [*options.fields, *([options.recogniser] if options.recogniser is not None else [])]:
        check_exists(file)
    names = [*(folder.name for folder in options.sets), *([_PHOTO_SET] if options.photos is not None else [])]
    if twice := next((name for index, name in enumerate(names) if comparable(name) in map(comparable, names[:index])), None):
        raise InputError(f"Two of the sets are called {twice}, and their pictures would be, too; rename one.")
    return [f"{name}.png" for name in names]


def _evaluate(options: argparse.Namespace, settings: Settings, outputs: OutputSet, console: Console) -> dict[str, Any]:
    """Write the files of the evaluation; the record of how they came about. Raises LikenessError."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in worker/launch.py; torch reads it once
    from ..evaluation.case import CaseSet

    for folder in options.sets:
        CaseSet.open(folder)
    try:
        from ..core.pipeline import Reconstructor
        from ..evaluation.run import evaluate, photo_set
        from ..evaluation.score import SMALL, SamplingBudget
    except ImportError as error:
        sentence = f"This Python lacks what an evaluation needs ({error}); use the development environment (make evaluate)."
        raise WorkerError(sentence) from error

    sets = list(options.sets)
    if options.photos is not None:
        sets.append(photo_set(options.photos, outputs.scratch / _PHOTO_SET, Reconstructor.load(settings.device).intake))
    budget = SMALL if options.small else SamplingBudget()
    evaluate(sets, outputs.new, options.methods, budget, settings, tuple(options.fields), console.progress, options.recogniser)
    return json.loads((outputs.new / _RECORD).read_text("utf-8"))


def _methods(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not wanted or set(wanted) - set(_NAMES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {', '.join(_NAMES)}")
    return wanted
