"""likeness.export_print: the reconstruction of the active object as a closed, coloured model in millimetres, for a 3D printer."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..core.private_folder import PrivateFolder
from ..core.result import Result
from ..core.settings import PRINT_FORMATS, Settings
from ..scene.source import result_of, source_of, sources
from ..scene.typed import scene_of
from ..worker import protocol
from ..worker.client import WorkerClient, shared_client
from .environment import worker_python
from .file import FileOperator
from .job import JobOperator
from .worker_job import WorkerJob

_SUFFIXES = tuple(f".{name}" for name in PRINT_FORMATS)


class PrintJob(WorkerJob):
    """Gives the message about the file that was written."""

    def __init__(self, client: WorkerClient, reconstruction: Result, output: Path, settings: Settings) -> None:
        super().__init__(client)
        self._folder = PrivateFolder()
        here = self._folder.path / "reconstruction.npz"
        reconstruction.save(here)
        client.print_file(here, output, settings)

    def given(self, event: object) -> str | None:
        return f"{Path(event.path).name} is written: {event.note}" if isinstance(event, protocol.Done) else None

    def close(self) -> None:
        super().close()
        self._folder.close()


class LIKENESS_OT_export_print(FileOperator, JobOperator, bpy.types.Operator):
    """Write the reconstruction as a closed model in millimetres on a flat base, with colours in 3MF, for a 3D printer"""

    bl_idname = "likeness.export_print"
    bl_label = "Export for Printing"
    # Not REGISTER: a repetition would replace the file without asking.
    bl_options = set()

    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in _SUFFIXES), options={"SKIP_SAVE", "HIDDEN"})
    check_existing: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    format: EnumProperty(
        name="Format",
        description="Kind of file",
        items=[(".3mf", "3MF", "With colours and units"), (".stl", "STL", "Shape alone, in millimetres")],
    )

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if not sources(scene_of(context)):
            return "Reconstruct a photo first"
        if context.mode != "OBJECT":
            return "Go back to object mode"
        return super().refusal(context)

    def proposal(self, context: bpy.types.Context) -> str:
        return bpy.path.clean_name(_reconstruction(context).name)

    def start_job(self, context: bpy.types.Context) -> PrintJob:
        path = self.chosen()
        if path.suffix.lower() not in _SUFFIXES:
            path = path.with_name(path.name + self.format)
        settings = context.scene.likeness.settings()
        return PrintJob(shared_client(worker_python(context)), result_of(_reconstruction(context)), path, settings)

    def use(self, context: bpy.types.Context, outcome: str) -> str:
        return outcome


def _reconstruction(context: bpy.types.Context) -> bpy.types.Object:
    """That of the active object, or else the scene's only one. Raises InputError."""
    item = context.object
    return source_of(scene_of(context), item if item is not None else sources(scene_of(context))[0])
