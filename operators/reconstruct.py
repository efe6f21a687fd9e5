"""likeness.reconstruct: the person in the reference photo becomes a coloured head or body in the scene."""

from dataclasses import replace
from pathlib import Path

import bpy

from ..core.errors import Cancelled, LikenessError, NoFaceError, NoSubjectError, ReconstructionError
from ..core.private_folder import PrivateFolder
from ..core.result import Result
from ..core.settings import MAX_PEOPLE, Settings
from ..scene.build import build_result, move_aside
from ..scene.photo import photo_file
from ..worker.client import WorkerClient, shared_client
from .environment import worker_python
from .job import JobOperator, current
from .worker_job import WorkerJob


class Reconstruction(WorkerJob):
    """Gives Results: one, or one of each person in the photo. What fails for one person of several is kept in `failures`, as sentences."""

    def __init__(self, client: WorkerClient, image: bpy.types.Image, settings: Settings) -> None:
        super().__init__(client)
        self._folder = PrivateFolder()
        self._photo = photo_file(image, self._folder.path)
        self._every, self._person, self._people = settings.all_subjects, 0, MAX_PEOPLE
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
        self._client.reconstruct([self._photo], settings)


class LIKENESS_OT_reconstruct(JobOperator, bpy.types.Operator):
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
        return Reconstruction(shared_client(worker_python(context)), properties.photo, properties.settings())

    def use(self, context: bpy.types.Context, outcome: list[Result]) -> str:
        failures = job.failures if isinstance(job := current(), Reconstruction) else []
        if not outcome:
            raise ReconstructionError(failures[0])
        names = []
        for number, result in enumerate(outcome):
            collection = build_result(context, result)
            move_aside(collection, number)
            names.append(collection.name)
        said = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} in the scene; the camera shows the photo"
        return " ".join([said, *failures])
