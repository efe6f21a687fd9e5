"""Where the worker's Python is, as the preferences say."""

from pathlib import Path

import bpy

from ..core.errors import WorkerError
from ..worker import environment

EXTENSION = str(__package__).rpartition(".")[0]
"""The name under which Blender knows this extension."""


class NotSetUpError(WorkerError):
    """There is no Python for the worker yet; the interface offers the set-up."""


def preferences(context: bpy.types.Context) -> bpy.types.AddonPreferences:
    """The extension's own, LIKENESS_AP_preferences."""
    return context.preferences.addons[EXTENSION].preferences


def environment_folder() -> Path:
    """Survives updates of the extension, goes when it is uninstalled."""
    return Path(bpy.utils.extension_path_user(EXTENSION, path="environment", create=True))


def environment_status(context: bpy.types.Context) -> environment.EnvironmentStatus:
    """Whether there is a Python for the worker, and why not; cheap enough for drawing."""
    chosen = preferences(context).existing_python
    return environment.status(environment_folder(), Path(bpy.path.abspath(chosen)) if chosen else None)


def worker_python(context: bpy.types.Context) -> Path:
    """The Python that runs the worker. Raises NotSetUpError, which says what to do, while there is none."""
    status = environment_status(context)
    if not status.ready or status.python is None:
        raise NotSetUpError(status.reason)
    return status.python
