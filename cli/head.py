"""One head or body from its photos to its files, made by the worker's process and Blender's."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.animation.performance import Performance
from ..core.errors import InputError, LikenessError
from ..core.result import DOUBTFUL, Result
from ..core.settings import BLENDER_FORMATS, PRINT_FORMATS, Settings
from ..worker.client import WorkerClient
from ..worker.protocol import Done
from .blender import BlenderWriter, blender_command
from .checks import check_detector, check_file
from .console import Console
from .options import settings_of
from .output import Inputs, OutputSet, writing

_PREVIEW = "preview.png"
_WITHOUT_JOINTS = "The .glb holds the body without its joints, as no Blender was found; give its path with --blender."
Progress = Callable[[str, float], None]


class Processes:
    """The networks' process, already on its way, and Blender's, started when it is needed: they make one head at a time. Close them.

    python: the networks' one; by default LIKENESS_PYTHON or this same. threads: of the networks, 0 for as many as they like.
    cancel: answers True when the head that is being made is not wanted any more.
    """

    def __init__(
        self, blender: Sequence[str], python: Path | None = None, threads: int = 0, cancel: Callable[[], bool] | None = None
    ) -> None:
        self.client = WorkerClient(python or Path(os.environ.get("LIKENESS_PYTHON") or sys.executable), threads=threads)
        self.client.start()
        self.blender, self.cancel = BlenderWriter(blender), cancel

    def close(self) -> None:
        """End both at once."""
        self.client.close()
        self.blender.close()


@dataclass(frozen=True)
class HeadPlan:
    """What the options ask of every head of a run."""

    settings: Settings
    formats: list[str]
    report: Path
    overwrite: bool
    blender: Sequence[str] = ()

    @classmethod
    def of(cls, options: argparse.Namespace) -> "HeadPlan":
        """Raises InputError for options that cannot be followed."""
        settings = settings_of(options)
        for label, path in settings.files():
            check_file(path, label.replace("File", "file"))
        check_detector(settings)
        plan = cls(settings, options.formats, options.report, options.overwrite)
        if set(plan.formats) & set(BLENDER_FORMATS) or (settings.rig and "glb" in plan.formats):
            return replace(plan, blender=blender_command(options.blender))
        if "glb" in plan.formats and settings.subject != "head":
            # A body's joints need Blender's exporter too, but whether there will be a body nobody knows yet.
            with contextlib.suppress(*(() if options.blender else (InputError,))):
                return replace(plan, blender=blender_command(options.blender))
        return plan

    def of_person(self, person: int) -> "HeadPlan":
        """The plan of one person of the photo, counted from the left from 0."""
        return replace(self, settings=replace(self.settings, subject_index=person, all_subjects=False))

    def inputs(self, *files: Path | None) -> Inputs:
        """What a run with these files reads, and so must never write."""
        own = [path for _, path in self.settings.files()]
        return Inputs([*(file for file in files if file is not None), *own, *map(Path, self.blender[:1])])

    def claim(self, folder: Path, name: str, inputs: Inputs) -> OutputSet:
        """The files `name`.… of one head in `folder`. Raises InputError."""
        names = [*(f"{name}.{suffix}" for suffix in self.formats), _PREVIEW, *([f"{name}.flame.json"] if self.settings.flame else [])]
        report = folder / self.report if self.report.parent == Path() else self.report
        return OutputSet(folder, names, report, inputs, self.overwrite)

    def make_and_tell(
        self,
        processes: Processes,
        photos: Sequence[Path],
        outputs: OutputSet,
        name: str,
        console: Console,
        played: Performance | None = None,
    ) -> dict[str, Any]:
        """As `make`, and tell the files and what is to be said about the result; the report."""
        paths, report = self.make(processes, photos, outputs, name, console.progress, played)
        console.clear()
        console.paths(paths)
        if report.get("quality") == DOUBTFUL:
            console.sentence(f"The result from {photos[0].name} is doubtful.")
        for sentence in (*report.get("warnings", ()), *report.get("notes", ())):
            console.sentence(sentence)
        return report

    def make(
        self,
        processes: Processes,
        photos: Sequence[Path],
        outputs: OutputSet,
        name: str,
        progress: Progress | None = None,
        played: Performance | None = None,
        more: dict[str, Any] | None = None,
    ) -> tuple[list[Path], dict[str, Any]]:
        """Reconstruct the person in one or several photos and put the files into their places, the report last: their paths and the report.

        played: what the rigged head does. more: what the report says besides. Raises LikenessError.
        """
        try:
            report = self._write(processes, photos, outputs, name, progress or (lambda stage, fraction: None), played)
            return outputs.commit({**report, **(more or {})}), report
        except KeyboardInterrupt:
            processes.close()  # before the folder goes into which they write
            raise
        except LikenessError as error:
            raise type(error)(outputs.as_seen(str(error))) from error

    def _write(
        self, processes: Processes, photos: Sequence[Path], outputs: OutputSet, name: str, progress: Progress, played: Performance | None
    ) -> dict[str, Any]:
        client, cancel = processes.client, processes.cancel
        saved = outputs.scratch / "result.npz"
        client.reconstruct(photos, self.settings, saved)
        client.wait(progress, cancel)
        result = Result.load(saved)
        if played is not None:
            result.report["warnings"] = [*result.report.get("warnings", ()), *played.warnings]
        progress("export", 1.0)
        with writing(outputs.scratch):
            moving = None
            if played is not None:
                replace(result, name=name).save(saved)
                played.save(moving := outputs.scratch / "performance.npz")
            if "flame" in result.report:
                (outputs.new / f"{name}.flame.json").write_text(json.dumps(result.report["flame"], indent=2, allow_nan=False), "utf-8")
        files = {suffix: outputs.new / f"{name}.{suffix}" for suffix in self.formats}
        # Joints need Blender's exporter; without any the worker writes meshes.
        joined = self.settings.rig or result.body is not None
        in_blender = [path for suffix, path in files.items() if suffix in BLENDER_FORMATS or (joined and suffix == "glb" and self.blender)]
        if result.body is not None and "glb" in files and not self.blender:
            result.report["notes"] = [*result.report.get("notes", ()), _WITHOUT_JOINTS]
        if in_blender:
            processes.blender.write(saved, in_blender, moving, cancel)
        for path in (*files.values(), outputs.new / _PREVIEW):
            if path in in_blender:
                continue
            if path.suffix[1:] in PRINT_FORMATS:
                client.print_file(saved, path, self.settings)
                outcome = client.outcome(cancel=cancel)
                result.report["print"] = outcome.note if isinstance(outcome, Done) else ""
            else:
                client.export(saved, path)
                client.wait(cancel=cancel)
        return result.report
