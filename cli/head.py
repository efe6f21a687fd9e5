"""One head from a photo to its files, made by the worker's process and Blender's."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.animation.performance import Performance
from ..core.errors import LikenessError
from ..core.result import DOUBTFUL, Result
from ..core.settings import Settings
from ..worker.client import WorkerClient
from .blender import blender_command, write_in_blender
from .checks import check_detector, check_file
from .console import Console
from .options import settings_of
from .output import Inputs, OutputSet, writing

_PREVIEW = "preview.png"
Progress = Callable[[str, float], None]


def start_worker() -> WorkerClient:
    """A worker of this same Python, which is already on its way; close it."""
    client = WorkerClient(Path(sys.executable))
    client.start()
    return client


@dataclass(frozen=True)
class HeadPlan:
    """What the options ask of every head of a run."""

    settings: Settings
    formats: list[str]
    report: Path
    overwrite: bool
    blender: Sequence[str] = ()

    @property
    def _by_blender(self) -> set[str]:
        """A rig needs Blender's exporter; without one the worker writes meshes."""
        return {"blend", "glb"} if self.settings.rig else {"blend"}

    @classmethod
    def of(cls, options: argparse.Namespace) -> "HeadPlan":
        """Raises InputError for options that cannot be followed."""
        settings = settings_of(options)
        for label, path in settings.files():
            check_file(path, label.replace("File", "file"))
        check_detector(settings)
        plan = cls(settings, options.formats, options.report, options.overwrite)
        if not plan._by_blender & set(plan.formats):
            return plan
        return replace(plan, blender=blender_command(options.blender))

    def inputs(self, *files: Path | None) -> Inputs:
        """What a run with these files reads, and so must never write."""
        own = [path for _, path in self.settings.files()]
        return Inputs([*(file for file in files if file is not None), *own, *map(Path, self.blender[:1])])

    def claim(self, folder: Path, name: str, inputs: Inputs) -> OutputSet:
        """The files `name`.… of one head in `folder`. Raises InputError."""
        names = [*(f"{name}.{suffix}" for suffix in self.formats), _PREVIEW, *([f"{name}.flame.json"] if self.settings.flame else [])]
        report = folder / self.report if self.report.parent == Path() else self.report
        return OutputSet(folder, names, report, inputs, self.overwrite)

    def make(
        self, client: WorkerClient, photo: Path, outputs: OutputSet, name: str, console: Console, played: Performance | None = None
    ) -> None:
        """Reconstruct a photo, put the files into their places, the report last, and tell them and what speaks against the result.
        `played`: what the rigged head does.

        Raises LikenessError.
        """
        try:
            paths, report = self._make(client, photo, outputs, name, console.progress, played)
        except KeyboardInterrupt:
            client.close()  # before the folder goes into which it writes
            raise
        except LikenessError as error:
            raise type(error)(outputs.as_seen(str(error))) from error
        console.clear()
        console.paths(paths)
        if report.get("quality") == DOUBTFUL:
            console.sentence(f"The head from {photo.name} is doubtful.")
        for warning in report.get("warnings", ()):
            console.sentence(warning)

    def _make(
        self, client: WorkerClient, photo: Path, outputs: OutputSet, name: str, progress: Progress, played: Performance | None
    ) -> tuple[list[Path], dict[str, Any]]:
        saved = outputs.scratch / "result.npz"
        client.reconstruct([photo], self.settings, saved)
        client.wait(progress)
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
        in_blender = [path for suffix, path in files.items() if suffix in self._by_blender]
        if in_blender:
            write_in_blender(self.blender, saved, in_blender, moving)
        for path in (*files.values(), outputs.new / _PREVIEW):
            if path not in in_blender:
                client.export(saved, path)
                client.wait()
        return outputs.commit(result.report), result.report
