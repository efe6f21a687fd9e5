"""likeness.add_pin, lock_pins, cancel_pins and apply_pins: what is done with the pins that edit_pins has put on a face."""

from typing import Any

import bpy
from bpy.props import BoolProperty

from ..core.errors import InputError
from ..scene.pins import PIN, add_pin, current_pins, end_pins, head_of_wire, set_lock, wire_of
from ..scene.typed import scene_of, view_layer_of
from . import pins_live
from .base import LikenessOperator
from .correction import CorrectionOperator, being_corrected


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
    collection = being_corrected(context, wire_of)
    wire = None if collection is None else wire_of(collection)
    head = None if wire is None else head_of_wire(wire)
    return None if collection is None or head is None else (collection, head)


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


class LIKENESS_OT_apply_pins(PinsOperator, CorrectionOperator, bpy.types.Operator):
    """Make the head again, in its place, with the face where the pins are"""

    bl_idname = "likeness.apply_pins"
    bl_label = "Apply Pins"
    bl_options = {"REGISTER", "UNDO"}

    def gathered(self, context: bpy.types.Context) -> tuple[bpy.types.Collection, dict[str, Any]]:
        found = edited(context)
        if found is None:
            raise InputError("The pins have gone meanwhile; press Edit Pins again.")
        collection, head = found
        pins_live.settle()
        return collection, {"pins": current_pins(head, collection)}

    def end(self, collection: bpy.types.Collection) -> None:
        end_pins(collection)
