"""likeness.add_pin, lock_pins, cancel_pins and apply_pins: what is done with the pins that edit_pins has put on a face."""

import bpy
from bpy.props import BoolProperty

from ..core.errors import InputError
from ..core.photo.pins import Pin, pins_text
from ..core.result import Result
from ..scene.members import collection_of, members
from ..scene.pins import PIN, add_pin, current_pins, end_pins, head_of_wire, set_lock, store_pins, wire_of
from ..scene.typed import scene_of, view_layer_of
from ..scene.views import photos_of
from ..worker.client import shared_client
from . import pins_live
from .base import LikenessOperator
from .environment import worker_python
from .reconstruct import Reconstruction, ReconstructOperator
from .result_settings import settings_of


class PinsOperator(LikenessOperator):
    """Mixin of operators on the pins of the scene's result that has some."""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if edited(context) is None:
            return "Press Edit Pins on a reconstructed head first"
        if context.mode != "OBJECT":
            return "Go back to object mode"
        return super().refusal(context)


def edited(context: bpy.types.Context) -> tuple[bpy.types.Collection, bpy.types.Object] | None:
    """The collection whose pins are being edited, and its head: of the active object, else the scene's only one."""
    own = collection_of(context.object)
    found = [own] if own is not None and wire_of(own) is not None else [one for one in bpy.data.collections if wire_of(one) is not None]
    wire = wire_of(found[0]) if len(found) == 1 else None
    head = None if wire is None else head_of_wire(wire)
    return None if head is None else (found[0], head)


class LIKENESS_OT_add_pin(PinsOperator, bpy.types.Operator):
    """Add a pin on the face at the 3D cursor, which Shift and a right click put there"""

    bl_idname = "likeness.add_pin"
    bl_label = "Add Pin at Cursor"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        found = edited(context)
        assert found is not None  # `refusal` has made sure
        collection, head = found
        pin = add_pin(head, collection, scene_of(context).cursor.location)
        for item in context.selected_objects:
            item.select_set(False)
        pin.select_set(True)
        view_layer_of(context).objects.active = pin
        return f"{pin.name} holds the point of the face that is there; move it with G"


class LIKENESS_OT_lock_pins(PinsOperator, bpy.types.Operator):
    """Lock the selected pins: they hold points of the face that are right, whatever else moves"""

    bl_idname = "likeness.lock_pins"
    bl_label = "Lock Pins"
    bl_options = {"REGISTER", "UNDO"}

    locked: BoolProperty(name="Locked", description="Lock, or let go again", default=True)

    def run(self, context: bpy.types.Context) -> str:
        chosen = [item for item in context.selected_objects if PIN in item]
        if not chosen:
            raise InputError("Select the pins first.")
        for item in chosen:
            set_lock(item, self.locked)
        return ""


class LIKENESS_OT_cancel_pins(PinsOperator, bpy.types.Operator):
    """Remove the pins; the head stays as it is"""

    bl_idname = "likeness.cancel_pins"
    bl_label = "Cancel Pins"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        found = edited(context)
        assert found is not None  # `refusal` has made sure
        collection, head = found
        end_pins(collection)
        view_layer_of(context).objects.active = head
        return ""


class LIKENESS_OT_apply_pins(PinsOperator, ReconstructOperator, bpy.types.Operator):
    """Make the head again, in its place, with the face where the pins are"""

    bl_idname = "likeness.apply_pins"
    bl_label = "Apply Pins"
    bl_options = {"REGISTER", "UNDO"}

    _pins: tuple[Pin, ...] = ()

    def start_job(self, context: bpy.types.Context) -> Reconstruction:
        found = edited(context)
        if found is None:
            raise InputError("The pins have gone meanwhile; press Edit Pins again.")
        collection, head = found
        pins_live.settle()
        self._pins = tuple(current_pins(head, collection))
        self._replaced = collection.name
        settings = settings_of(head, context.scene.likeness)
        client = shared_client(worker_python(context))
        return Reconstruction(client, photos_of(head), settings, files={"pins": pins_text(self._pins).encode()})

    def use(self, context: bpy.types.Context, outcome: list[Result]) -> str:
        collection = bpy.data.collections.get(self._replaced)
        if collection is not None:
            end_pins(collection)
        said = super().use(context, outcome)
        head = next((item for item in members(collection) if photos_of(item)), None) if collection is not None else None
        if head is not None:
            store_pins(head, self._pins)
        return said
