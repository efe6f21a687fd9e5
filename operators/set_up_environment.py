"""likeness.set_up_environment: the worker's Python packages are installed, after the artist has seen what that takes and agreed."""

import threading
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import LikenessError
from ..worker import environment
from ..worker.client import close_shared
from .environment import environment_folder, preferences
from .job import JobOperator


class SetUp:
    """A job (see job.py) in a thread, which never touches bpy; gives the environment's status."""

    stage, fraction = "Starting", 0.0

    def __init__(self, folder: Path, online: bool, wheels: Path | None) -> None:
        self._folder = folder
        self._cancelled = threading.Event()
        self._outcome: environment.EnvironmentStatus | Exception | None = None
        self._thread = threading.Thread(target=self._install, args=(folder, online, wheels), daemon=True)
        self._thread.start()

    def _install(self, folder: Path, online: bool, wheels: Path | None) -> None:
        try:
            self._outcome = environment.install(folder, online, wheels, self._progress, self._cancelled.is_set)
        except Exception as error:  # noqa: BLE001 - raised again where the operator can report it
            self._outcome = error

    def _progress(self, stage: str, fraction: float) -> None:
        self.stage, self.fraction = stage, fraction

    def poll(self) -> environment.EnvironmentStatus | None:
        if self._thread.is_alive():
            return None
        if isinstance(self._outcome, environment.EnvironmentStatus):
            return self._outcome
        raise self._outcome or LikenessError("The set-up ended unexpectedly; see Blender's console and report it.")

    def cancel(self) -> None:
        self._cancelled.set()

    def log(self) -> list[str]:
        return environment.log(self._folder)

    def close(self) -> None:
        """Waits for the installer to be ended, a fraction of a second, lest it outlive Blender."""
        self._cancelled.set()
        self._thread.join(timeout=2)


class LIKENESS_OT_set_up_environment(JobOperator, bpy.types.Operator):
    """Download and install the Python packages that reconstruct heads, apart from Blender's own"""

    bl_idname = "likeness.set_up_environment"
    bl_label = "Set Up Environment"
    bl_options = {"REGISTER"}

    def ask(self, context: bpy.types.Context) -> set[str] | None:
        if not (bpy.app.online_access or preferences(context).wheels):
            return None  # the job says why it cannot be
        return context.window_manager.invoke_props_dialog(self, width=420, title="Set Up Environment", confirm_text="Set Up")

    def draw(self, context: bpy.types.Context) -> None:
        plan, wheels = environment.plan(), preferences(context).wheels
        layout: Any = self.layout
        column = layout.column(align=True)
        column.label(text=f"From {wheels}" if wheels else f"Downloads about {plan.download} MB from the Python Package Index and PyTorch")
        column.label(text=f"Needs {plan.disk} MB of disk in {environment_folder()}")
        column.label(text="Nothing else is downloaded later, and photos never leave this computer")

    def start_job(self, context: bpy.types.Context) -> SetUp:
        wheels = preferences(context).wheels
        close_shared()  # it may hold files of the environment that is replaced
        return SetUp(environment_folder(), bpy.app.online_access, Path(bpy.path.abspath(wheels)) if wheels else None)

    def use(self, context: bpy.types.Context, outcome: environment.EnvironmentStatus) -> str:
        return f"The environment is ready ({outcome.size >> 20} MB)"
