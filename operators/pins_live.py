"""While pins are edited: whenever one has moved, the worker fits the face to them and the wire follows."""

import logging
import time
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..core.errors import LikenessError
from ..core.photo.pins import pins_text
from ..scene.members import collection_of
from ..scene.pins import FACE, current_pins, head_of_wire, show_fit
from ..scene.views import photos_of
from ..worker.client import shared_client
from . import job
from .environment import worker_python
from .photo_job import Following
from .result_settings import settings_of

_TICK = 0.04  # seconds between two looks at the worker
_PATIENCE = 3.0
_following: Following | None = None
_sent = ""
_wanted = False

logger = logging.getLogger(__name__)


def watch() -> None:
    """Begin to look for pins that move; the extension does so when it is enabled."""
    if _moved not in bpy.app.handlers.depsgraph_update_post:
        bpy.app.handlers.depsgraph_update_post.append(_moved)


def unwatch() -> None:
    """End it."""
    if _moved in bpy.app.handlers.depsgraph_update_post:
        bpy.app.handlers.depsgraph_update_post.remove(_moved)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _close()


@persistent
def _moved(scene: bpy.types.Scene, graph: bpy.types.Depsgraph) -> None:
    """Blender calls this after every change of anything: it must cost nothing where no pin has moved."""
    global _wanted
    if any(
        update.is_updated_transform and isinstance(update.id, bpy.types.Object) and "likeness_pin" in update.id for update in graph.updates
    ):
        _wanted = True
        # At once: before a timer's turn the window is drawn, which takes longer than the fit.
        waits = not bpy.app.background and not bpy.app.timers.is_registered(_tick)
        if waits and (interval := _tick()) is not None:
            bpy.app.timers.register(_tick, first_interval=interval)


def _tick() -> float | None:
    """An app timer: send what has moved, take what has come, and end when both are done."""
    global _following, _wanted, _sent
    context = bpy.context
    wire = next((item for item in context.scene.objects if FACE in item), None)
    head = None if wire is None else head_of_wire(wire)
    if wire is None or head is None or job.current() is not None:
        _close()
        return None
    try:
        if _following is not None and (face := _following.poll()) is not None:
            _close()
            show_fit(wire, head, face)
        if _following is None and _wanted:
            _wanted = False
            collection: Any = collection_of(head)
            text = pins_text(current_pins(head, collection))
            if text != _sent:
                client = shared_client(worker_python(context))
                if client.busy:
                    _wanted = True
                else:
                    settings = settings_of(head, context.scene.likeness)
                    _following, _sent = Following(client, photos_of(head)[0], settings, text), text
    except LikenessError:
        logger.exception("The face does not follow")
        _close()
        return None
    return _TICK if _following is not None or _wanted else None


def settle() -> None:
    """Wait until the worker is free again, a fraction of a second."""
    limit = time.monotonic() + _PATIENCE
    while _following is not None and time.monotonic() < limit:
        try:
            if _following.poll() is not None:
                break
        except LikenessError:
            break
        time.sleep(0.01)
    _close()


def _close() -> None:
    global _following
    if _following is not None:
        _following.close()
        _following = None
