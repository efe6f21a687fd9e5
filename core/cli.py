"""The command line: `likeness reconstruct PHOTO [PHOTO...] --output DIR`, `likeness animate VIDEO --output DIR`, `likeness evaluate`.

Exit codes: 0 done, 2 bad input, 3 failed, 130 cancelled. Files appear complete or not at all. Importing this needs neither torch nor bpy,
so that Blender's own command line can share the parser.
"""

import argparse
import contextlib
import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn, TextIO

from .animation.command import add_command as add_animate
from .animation.command import head_photo, read_performance
from .animation.performance import Performance
from .errors import Cancelled, InputError, LikenessError, ReconstructionError, WorkerError, explain
from .evaluation.command import add_command, run_command
from .result import Result
from .settings import FORMATS, Settings
from .version import VERSION

LAUNCH = Path(__file__).absolute().parents[1] / "worker" / "launch.py"
WRITE_BLEND = "likeness.scene.write"  # run by name: this ring imports neither scene nor worker
BLEND_LIMIT = 300  # seconds for Blender to start and write one file

log = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence instead of the usage."""
        self.exit(InputError.exit_code, f"{message[:1].upper()}{message[1:].rstrip('.')}; see {self.prog} --help.\n")


def build_parser(prog: str = "likeness") -> argparse.ArgumentParser:
    """Options of a reconstruction come from Settings; `settings_of` takes them back out of the parsed namespace."""
    parser = _Parser(prog=prog, description="One photo of a person in, a coloured 3D head out.")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("reconstruct", help="make heads from photos", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    command.add_argument("photos", metavar="PHOTO", nargs="+", type=Path, help="JPEG, PNG, WebP, TIFF or BMP")
    command.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="folder for the files; several photos get one each inside"
    )
    _add_settings(command)
    command = add_animate(commands)
    command.add_argument("--output", metavar="DIR", type=Path, required=True, help="folder for the files")
    _add_settings(command, rig=True)
    add_command(commands)
    return parser


def _add_settings(command: argparse.ArgumentParser, **fixed: Any) -> None:
    """What a reconstruction needs; `fixed` settings are no options."""
    command.add_argument("--formats", type=_formats, default="blend,glb", help=f"separated by commas: {', '.join(FORMATS)}")
    command.set_defaults(**fixed)
    for option in fields(Settings):
        metadata, flag = option.metadata, f"--{option.name.replace('_', '-')}"
        if option.name in fixed:
            continue
        if isinstance(option.default, bool):
            command.add_argument(flag, action=argparse.BooleanOptionalAction, default=option.default, help=metadata["help"])
            continue
        command.add_argument(
            flag,
            type=type(option.default),
            choices=metadata["choices"] or None,
            default=option.default,
            help=metadata["help"],
            metavar="FILE" if metadata["is_file"] else None,
        )
    command.add_argument(
        "--report", metavar="FILE", type=Path, default="report.json", help="measures and settings as JSON; a bare name lies beside the head"
    )
    command.add_argument("--blender", metavar="PROGRAM", type=Path, help="Blender that writes .blend files; by default looked for")
    command.add_argument("--verbose", action="store_true", help="show the log, and tracebacks of unexpected failures")


def settings_of(options: argparse.Namespace) -> Settings:
    """Raises InputError for a value outside its limits, or one that would change nothing."""
    settings = Settings(**{option.name: getattr(options, option.name) for option in fields(Settings)})
    for option in fields(Settings):
        needed = option.metadata["needs"]
        if needed and not getattr(settings, needed) and getattr(settings, option.name) != option.default:
            raise InputError(f"--{option.name} needs --{needed}; add it.")
    return settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code is the worst of its photos'."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see worker/launch.py
    options = build_parser().parse_args(arguments)
    with _own_standard_error(options.verbose) as terminal:
        try:
            run = {"evaluate": _evaluate, "animate": _animate, "reconstruct": _reconstruct_all}[options.command]
            return run(options, terminal)
        except LikenessError as error:
            return _failed(terminal, error)
        except KeyboardInterrupt:
            return _failed(terminal, Cancelled("Cancelled; no incomplete file was left behind."))


def _evaluate(options: argparse.Namespace, terminal: TextIO) -> int:
    with _one_task("The evaluation", terminal) as progress:
        paths = run_command(options, progress)
    sys.stdout.write("".join(f"{path}\n" for path in paths))
    return 0


def _animate(options: argparse.Namespace, terminal: TextIO) -> int:
    settings = settings_of(options)
    blend_command = _blend_command(options.blender) if {"blend", "glb"} & set(options.formats) else []
    name = options.source.stem
    with _one_task("The animation", terminal) as progress, tempfile.TemporaryDirectory(prefix="likeness-") as own:
        performance = read_performance(options, progress)
        result = replace(_load(settings.device).run(head_photo(options, performance, Path(own)), settings, progress), name=name)
        report = options.output / options.report if options.report.parent == Path() else options.report
        paths = _write(result, options.output, name, options.formats, report, blend_command, performance)
    sys.stdout.write("".join(f"{path}\n" for path in paths))
    return 0


@contextlib.contextmanager
def _one_task(what: str, terminal: TextIO) -> Iterator["_Progress"]:
    """Progress of a task whose unforeseen failures end in one sentence, too."""
    progress = _Progress(terminal)
    try:
        yield progress
    except LikenessError:
        raise
    except Exception as error:
        log.exception("%s failed unexpectedly", what)
        raise explain(error, what) from error
    finally:
        progress.clear()


def _reconstruct_all(options: argparse.Namespace, terminal: TextIO) -> int:
    settings = settings_of(options)
    several = len(options.photos) > 1
    if several and options.report.parent != Path():
        raise InputError(f"One report cannot serve several photos; give --report a bare name instead of {options.report}.")
    by_blender = {"blend", "glb"} if settings.rig else {"blend"}
    blend_command = _blend_command(options.blender) if by_blender & set(options.formats) else []
    progress = _Progress(terminal)
    progress("Loading the networks", 0.0)
    reconstructor = _load(settings.device)
    worst = 0
    for photo, folder in zip(options.photos, _folders(options.output, options.photos), strict=True):
        try:
            progress.photo = f"{photo.name}: " if several else ""
            result = reconstructor.run(photo, settings, progress)
            report = folder / options.report if options.report.parent == Path() else options.report
            paths = _write(result, folder, photo.stem, options.formats, report, blend_command)
            progress.clear()
            sys.stdout.write("".join(f"{path}\n" for path in paths))
        except Cancelled:
            raise
        except LikenessError as error:
            progress.clear()
            worst = max(worst, _failed(terminal, error))
        except Exception as error:
            log.exception("%s failed unexpectedly", photo)
            progress.clear()
            worst = max(worst, _failed(terminal, explain(error, photo.name)))
    return worst


def _load(device: str) -> Any:
    try:
        from .pipeline import Reconstructor
    except ImportError as error:
        raise WorkerError(f"This Python lacks what Likeness needs ({error}); use the environment that was set up for it.") from error
    return Reconstructor.load(device)


def _folders(output: Path, photos: Sequence[Path]) -> list[Path]:
    """Where each photo's files go: the output folder itself for one photo, else sub-folders named after the photos, numbered when alike."""
    if len(photos) == 1:
        return [output]
    taken: dict[str, int] = {}
    names = []
    for photo in photos:
        key = photo.stem.casefold()
        taken[key] = taken.get(key, 0) + 1
        names.append(photo.stem if taken[key] == 1 else f"{photo.stem}-{taken[key]}")
    return [output / name for name in names]


def _write(
    result: Result,
    folder: Path,
    name: str,
    formats: Sequence[str],
    report: Path,
    blend_command: Sequence[str],
    performance: Performance | None = None,
) -> list[Path]:
    """All files of one result, made in a hidden folder beside their places and then moved."""
    from .export import write_mesh
    from .preview import write_preview

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".likeness-", dir=folder) as hidden:
            places = {f"{name}.{suffix}": folder / f"{name}.{suffix}" for suffix in formats}
            # A rig needs Blender's exporter; without one the mesh can be written here.
            by_blender = {".blend", ".glb"} if result.rigged is not None else {".blend"}
            made = [Path(hidden) / file for file in places]
            if scenes := [path for path in made if path.suffix in by_blender]:
                _write_in_blender(result, scenes, blend_command, performance)
            for path in made:
                if path not in scenes:
                    write_mesh(result, path)
            write_preview(result, Path(hidden) / "preview.png")
            places["preview.png"] = folder / "preview.png"
            if "flame" in result.report:
                _write_json(result.report["flame"], Path(hidden) / f"{name}.flame.json")
                places[f"{name}.flame.json"] = folder / f"{name}.flame.json"
            for file, place in places.items():
                (Path(hidden) / file).replace(place)
        report.parent.mkdir(parents=True, exist_ok=True)
        partial = report.with_name(f"{report.name}.part")
        _write_json(result.report, partial)
        partial.replace(report)
    except OSError as error:
        raise InputError(f"{error.filename or folder} cannot be written ({error.strerror}); choose another output folder.") from error
    return [*places.values(), report]


def _write_json(values: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(values, indent=2, allow_nan=False), encoding="utf-8")


def _blend_command(blender: Path | None) -> list[str]:
    """What runs WRITE_BLEND: the given Blender, this Python when it has bpy, or a Blender on the PATH. Raises InputError."""
    batch = ["--background", "--factory-startup", "--python-exit-code", "3", "--python", str(LAUNCH), "--", WRITE_BLEND]
    if blender is not None:
        if not (found := shutil.which(blender)):
            raise InputError(f"{blender} is no program; give --blender the path of Blender.")
        return [found, *batch]
    if importlib.util.find_spec("bpy"):
        return [sys.executable, "-I", str(LAUNCH), WRITE_BLEND]
    if found := shutil.which("blender"):
        return [found, *batch]
    raise InputError("A .blend file, or a .glb with a rig, needs Blender; give its path with --blender, or choose other --formats.")


def _write_in_blender(result: Result, paths: Sequence[Path], command: Sequence[str], performance: Performance | None) -> None:
    """In a process of its own: bpy must not share one with torch's threads, and core does not import it."""
    saved, names = paths[0].with_suffix(".npz"), " and ".join(path.name for path in paths)
    result.save(saved)
    arguments = [str(saved), *map(str, paths)]
    if performance is not None:
        performance.save(moving := saved.with_suffix(".performance.npz"))
        arguments += ["--performance", str(moving)]
    try:
        run = subprocess.run([*command, *arguments], capture_output=True, text=True, errors="replace", timeout=BLEND_LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        raise ReconstructionError(f"Blender took more than {BLEND_LIMIT} s to write {names}; try again.") from error
    if run.returncode or not all(path.exists() for path in paths):
        log.error("%s", run.stdout + run.stderr)
        words = run.stderr.strip().splitlines() or [f"exit code {run.returncode}"]
        raise ReconstructionError(f"Blender could not write {names} ({words[-1].rstrip('.')}); choose other --formats or try again.")


def _formats(text: str) -> list[str]:
    wanted = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown or not wanted:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {', '.join(FORMATS)}")
    return wanted


def _failed(terminal: TextIO, error: LikenessError) -> int:
    terminal.write(f"{error}\n")
    terminal.flush()
    return error.exit_code


class _Progress:
    """One line that overwrites itself, on terminals only."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._shown = terminal.isatty()
        self.photo = ""

    def __call__(self, stage: str, fraction: float) -> None:
        if self._shown:
            self._terminal.write(f"\r\x1b[K{self.photo}{stage} {fraction:.0%}")
            self._terminal.flush()

    def clear(self) -> None:
        if self._shown:
            self._terminal.write("\r\x1b[K")
            self._terminal.flush()


@contextlib.contextmanager
def _own_standard_error(verbose: bool) -> Iterator[TextIO]:
    """Standard error for our sentences alone: libraries written in C++ tell their own stories there, which only `verbose` lets through."""
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        yield sys.stderr
        return
    logging.getLogger().addHandler(logging.NullHandler())
    sys.stderr.flush()
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        with os.fdopen(os.dup(kept), "w", encoding=sys.stderr.encoding, errors="backslashreplace") as terminal:
            yield terminal
    finally:
        os.dup2(kept, 2)
        os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
