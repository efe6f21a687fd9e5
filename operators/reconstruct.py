"""likeness.reconstruct: the person in the reference photo becomes a coloured head or body in the scene."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import bpy

from ..core.errors import Cancelled, InputError, LikenessError, NoFaceError, NoSubjectError, ReconstructionError
from ..core.private_folder import PrivateFolder
from ..core.result import Result
from ..core.settings import MAX_PEOPLE, Settings
from ..scene.build import build_result, move_aside
from ..scene.members import members, remove_result
from ..scene.photo import photo_file
from ..scene.placement import stand_clear
from ..scene.replace import replace_result
from ..scene.typed import scene_of
from ..scene.viewport import frame_selected, show_first_colours
from ..worker.client import WorkerClient, shared_client
from . import estimates
from .environment import worker_python
from .further_photos import photos_in_use
from .job import JobOperator, current
from .worker_job import WorkerJob


class Reconstruction(WorkerJob):
    """Gives Results: one, or one of each person in the photo. What fails for one person of several is kept in `failures`, as sentences."""

    first: Result | None = None
    """A first look, which arrives before the results."""

    def __init__(
        self,
        client: WorkerClient,
        images: Sequence[bpy.types.Image],
        settings: Settings,
        early: bool = False,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        """images: photos of one person, the main one first. early: a first look is wanted, if one person is made. files: contents of files
        that settings name, by the setting."""
        super().__init__(client)
        self._early = early and not settings.all_subjects
        self._folder = PrivateFolder()
        self._photos = []
        for number, image in enumerate(images):
            folder = self._folder.path / str(number)
            folder.mkdir()
            self._photos.append(photo_file(image, folder))
        self._every, self._person, self._people = settings.all_subjects, 0, MAX_PEOPLE
        for name, data in (files or {}).items():
            path = self._folder.path / name
            path.write_bytes(data)
            settings = replace(settings, **{name: str(path)})
        self._settings = settings
        self._results: list[Result] = []
        self.failures: list[str] = []
        self._begin()

    def load(self, path: Path) -> Result:
        return Result.load(path)

    def poll(self) -> list[Result] | None:
        try:
            result = super().poll()
        except Cancelled:
            raise
        except LikenessError as error:
            if not self._every:
                raise
            if isinstance(error, NoSubjectError):
                self._people = self._person
            else:
                self.failures.append(str(error))
            of_this_person = isinstance(error, NoFaceError | ReconstructionError)
            if not of_this_person or (not self._results and self._people <= self._person):
                raise
        else:
            if result is None:
                return None
            self._results.append(result)
            self._people = result.report.get("subject", {}).get("people", MAX_PEOPLE) if self._every else 1
        self._person += 1
        if self._person >= self._people:
            return self._results
        self._begin()
        return None

    def close(self) -> None:
        super().close()
        self._folder.close()

    def _begin(self) -> None:
        settings = replace(self._settings, subject_index=self._person, all_subjects=False) if self._every else self._settings
        self._client.reconstruct(self._photos, settings, early=self._early)

    def early(self, path: Path) -> None:
        self.first = Result.load(path)


class ReconstructOperator(JobOperator):
    """Mixin of operators that run a Reconstruction: its first look is shown while it goes on, and refined in place at its end; both are one
    undo step."""

    _shown = ""
    """The first look's collection."""
    _replaced = ""
    """A collection whose result is to be made again in its place."""

    def meanwhile(self, context: bpy.types.Context) -> None:
        job = current()
        if isinstance(job, Reconstruction) and job.first is not None and not self._shown:
            collection = build_result(context, job.first)
            self._shown = collection.name
            _come_into_sight(context, collection)

    def use(self, context: bpy.types.Context, outcome: list[Result]) -> str:
        failures = job.failures if isinstance(job := current(), Reconstruction) else []
        if not outcome:
            raise ReconstructionError(failures[0])
        first, names = bpy.data.collections.get(self._shown or self._replaced), []
        for number, result in enumerate(outcome):
            estimates.remember(result.report)
            if first is not None:
                collection = replace_result(context, first, result)
                _show_colours(context, collection, refined=True)
            else:
                collection = build_result(context, result)
                move_aside(collection, number)
                if not number:
                    _come_into_sight(context, collection)
            names.append(collection.name)
        self._shown = ""
        said = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} in the scene; the camera shows the photo"
        return " ".join([said, *failures])

    def _end(self, context: bpy.types.Context) -> None:
        # What was shown of a job that came to nothing goes again.
        if (shown := bpy.data.collections.get(self._shown)) is not None:
            self._shown = ""
            remove_result(shown)
        super()._end(context)


def _come_into_sight(context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    """A new result stands beside what would hide it, is framed and shows its colours."""
    stand_clear(scene_of(context), collection)
    frame_selected(context)
    _show_colours(context, collection)


def _show_colours(context: bpy.types.Context, collection: bpy.types.Collection, refined: bool = False) -> None:
    """refined: in place of a first look, whose colours were shown, and may be no longer."""
    seen = [item for item in members(collection) if item.type == "MESH" and item.visible_get()]
    if seen:
        show_first_colours(context, context.object if context.object in seen else seen[0], refined)


class LIKENESS_OT_reconstruct(ReconstructOperator, bpy.types.Operator):
    """Make a coloured 3D head or body from the reference photo"""

    bl_idname = "likeness.reconstruct"
    bl_label = "Reconstruct from Image"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if context.scene.likeness.photo is None:
            return "There is no reference photo; choose one in the sidebar's Likeness tab"
        return super().refusal(context)

    def start_job(self, context: bpy.types.Context) -> Reconstruction:
        properties = context.scene.likeness
        early = not bpy.app.background and self.options.is_invoke
        photos, settings = photos_in_use(properties), properties.settings()
        if len(photos) > 1 and settings.all_subjects:
            raise InputError("Further photos are of one person; untick All People, or the further photos.")
        return Reconstruction(shared_client(worker_python(context)), photos, settings, early)
