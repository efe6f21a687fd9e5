"""The work itself: one method for each kind of job, with models that stay loaded in between. It runs in the worker's process only.

A new kind of job is a class in protocol.py, a method here, one of WorkerClient to begin it, and whatever the interface makes of its result.
"""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.errors import Cancelled, InputError, WorkerError, explain
from ..core.settings import Settings
from . import protocol

Loader = Callable[[str], Any]  # device -> a reconstructor with run(photo or photos, settings, progress, cancel) -> Result
Progress = Callable[[str, float], None]
Cancel = Callable[[], bool]
Say = Callable[[protocol.Event], None]


class Jobs:
    """All kinds of jobs, and what they share."""

    def __init__(self, load: Loader) -> None:
        self._load = load
        self._reconstructors: dict[str, Any] = {}
        self._tracker: Any = None

    def run(self, job: protocol.Job, progress: Progress, cancel: Cancel, say: Say) -> protocol.Done | protocol.Tested:
        """Do it; what it made lies in its output. say: tells the client what is there before the end. Raises whatever goes wrong, Cancelled
        when `cancel` answers True."""
        match job:
            case protocol.SelfTest():
                from .selftest import self_test

                return protocol.Tested(*self_test(job.photo, progress, cancel))
            case protocol.Export():
                return protocol.Done(_exported(job, progress))
            case protocol.Print():
                return _printed(job, progress)
            case protocol.Reconstruct():
                result = self._reconstruct(job, progress, cancel, say)
            case protocol.Follow():
                from ..core.photo.pins import parse_pins

                settings = Settings.from_dict(job.settings)
                interactive = self._reconstructor(settings, progress, cancel).interactive
                progress("fit", 0.5)
                result = interactive.follow(Path(job.photo), settings, parse_pins(job.pins))
            case protocol.Inspect():
                settings = Settings.from_dict(job.settings)
                interactive = self._reconstructor(settings, progress, cancel).interactive
                progress("photo", 0.5)
                result = interactive.inspect(Path(job.photo), settings, job.mask)
            case protocol.Track():
                result = self._track(job, progress, cancel)
            case protocol.ChooseFrames():
                result = self._frames(job, progress, cancel)
            case protocol.Bake():
                result = self._bake(job, progress, cancel)
            case protocol.Retopologise():
                result = self._retopologise(job, progress, cancel)
            case _:
                raise WorkerError(f"{job.what} is no job of this worker; reinstall the extension.")
        return protocol.Done(_saved(result, Path(job.output), job.what))

    def forget(self) -> None:
        """Drop the models: after memory ran out, or a failure that nobody foresaw, the next job starts clean."""
        self._reconstructors.clear()
        self._tracker = None
        gc.collect()

    def _reconstruct(self, job: protocol.Reconstruct, progress: Progress, cancel: Cancel, say: Say) -> Any:
        settings = Settings.from_dict(job.settings)
        if not job.photos:
            raise InputError("No photo was given; give one, or several of the same person.")
        photos = [Path(photo) for photo in job.photos]
        reconstructor = self._reconstructor(settings, progress, cancel)
        output = Path(job.output)
        place = output.with_name(f"{output.stem}.early.npz")
        early = {"early": lambda result: say(protocol.Early(_saved(result, place, job.what)))} if job.early else {}
        return reconstructor.run(photos[0] if len(photos) == 1 else photos, settings, progress, cancel, **early)

    def _reconstructor(self, settings: Settings, progress: Progress, cancel: Cancel) -> Any:
        """That of the settings' device, loaded when it is first needed. Raises Cancelled."""
        if settings.device not in self._reconstructors:
            progress("load", 0.0)
            self._reconstructors[settings.device] = self._load(settings.device)
        if cancel():
            raise Cancelled("Cancelled.")
        return self._reconstructors[settings.device]

    def _track(self, job: protocol.Track, progress: Progress, cancel: Cancel) -> Any:
        if self._tracker is None:
            from ..core.animation.track import Tracker

            progress("load", 0.0)
            self._tracker = Tracker.load()
        return self._tracker.run(Path(job.source), job.smoothing, progress, cancel)

    def _frames(self, job: protocol.ChooseFrames, progress: Progress, cancel: Cancel) -> Any:
        from ..core.animation.turn import turn_frames
        from ..core.photo.faces import MediaPipeDetector

        progress("frames", 0.0)
        return turn_frames(Path(job.source), MediaPipeDetector(), job.count, _reported("frames", progress, cancel))

    def _bake(self, job: protocol.Bake, progress: Progress, cancel: Cancel) -> Any:
        from ..core.colour.textures import bake_textures
        from ..core.colour.uv_mesh import BakedMaps, UvMesh
        from ..core.result import Result

        progress("texture", 0.0)
        report = _reported("texture", progress, cancel)
        maps = BakedMaps(tuple(job.maps), job.size, job.cage, job.margin)
        return bake_textures(UvMesh.load(Path(job.mesh)), Result.load(Path(job.reconstruction)), maps, report)

    def _retopologise(self, job: protocol.Retopologise, progress: Progress, cancel: Cancel) -> Any:
        from ..core.result import Result
        from ..core.topology.retopology import template_mesh

        progress("retopology", 0.0)
        report = _reported("retopology", progress, cancel)
        return template_mesh(Result.load(Path(job.reconstruction)), job.cover, job.inner, report)


def _reported(stage: str, progress: Progress, cancel: Cancel) -> Callable[[float], None]:
    """Progress of work that is one stage; raises Cancelled."""

    def report(share: float) -> None:
        if cancel():
            raise Cancelled("Cancelled.")
        progress(stage, share)

    return report


def _exported(job: protocol.Export, progress: Progress) -> str:
    from ..core.export import write_mesh
    from ..core.preview import write_preview
    from ..core.result import Result

    progress("export", 0.0)
    write = write_preview if Path(job.output).suffix == ".png" else write_mesh
    write(Result.load(Path(job.reconstruction)), Path(job.output))
    return job.output


def _printed(job: protocol.Print, progress: Progress) -> protocol.Done:
    from ..core.print_files import write_print
    from ..core.printing import Printing, print_model
    from ..core.result import Result

    progress("export", 0.0)
    result, settings = Result.load(Path(job.reconstruction)), Settings.from_dict(job.settings)
    model = print_model(result, Printing(settings.print_height, settings.print_wall, settings.plinth))
    write_print(model, result.name, Path(job.output))
    return protocol.Done(job.output, model.summary)


def _saved(result: Any, output: Path, what: str) -> str:
    """Write what a job gave; the file appears complete or not at all."""
    if output.suffix != ".npz":
        raise WorkerError(f"{output} must end in .npz.")
    partial = output.with_name(f"{output.stem}.part.npz")
    try:
        result.save(partial)
        partial.replace(output)
    except OSError as error:
        error.filename = str(output)  # a full disk does not name its file
        raise explain(error, f"Writing {what[0].lower()}{what[1:]}") from error
    finally:
        partial.unlink(missing_ok=True)
    return str(output)
