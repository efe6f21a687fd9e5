"""likeness.transfer_data: what was painted or weighted on one head goes to the other."""

import bpy
from bpy.props import EnumProperty

from ..scene.reconstructed import transfer_data
from .rig import RigOperator, active_rig


class LIKENESS_OT_transfer_data(RigOperator, bpy.types.Operator):
    """Copy vertex data between the reconstructed and the rigged head; layers of the same name are replaced"""

    bl_idname = "likeness.transfer_data"
    bl_label = "Transfer Data"
    bl_options = {"REGISTER", "UNDO"}

    data: EnumProperty(
        name="Data",
        description="What is copied",
        items=[
            ("COLOR_VERTEX", "Colours", "All colour attributes of the vertices"),
            ("VGROUP_WEIGHTS", "Vertex Groups", "All vertex groups"),
        ],
    )
    to: EnumProperty(
        name="To",
        description="Where it is copied to",
        items=[
            ("RIGGED", "Rigged Head", "From the reconstructed head to the rigged one"),
            ("RECONSTRUCTED", "Reconstructed Head", "From the rigged head to the reconstructed one"),
        ],
    )

    def ask(self, context: bpy.types.Context) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def run(self, context: bpy.types.Context) -> str:
        transfer_data(context, active_rig(context), self.data, self.to == "RECONSTRUCTED")
        return ""
