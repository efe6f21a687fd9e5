"""likeness.export_rig: the rigged head, or a body with its armature, as a glTF, FBX or USD file."""

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..scene.body_rig import body_rig_of
from ..scene.rig import rig_of
from ..scene.rig_export import RIG_SUFFIXES, export_rig
from .file import FileOperator
from .rig import RigOperator


class LIKENESS_OT_export_rig(RigOperator, FileOperator, bpy.types.Operator):
    """Write the rigged head or body with skin, shape keys and colours for other programs"""

    bl_idname = "likeness.export_rig"
    bl_label = "Export Rig"
    # Not REGISTER: a repetition would replace the file without asking.
    bl_options = set()

    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in RIG_SUFFIXES), options={"SKIP_SAVE", "HIDDEN"})
    check_existing: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    format: EnumProperty(
        name="Format",
        description="Kind of file",
        items=[
            (".glb", "glTF", "Binary glTF 2.0, bones at rest"),
            (".fbx", "FBX", "Binary FBX, bones as posed"),
            (".usdz", "USD", "A USD package, bones at rest"),
        ],
    )

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if body_rig_of(context.object) is None:
            return super().refusal(context)
        return "" if context.mode in {"OBJECT", "POSE"} else "Go back to object or pose mode"

    def proposal(self, context: bpy.types.Context) -> str:
        return bpy.path.clean_name(_armature(context).name)

    def run(self, context: bpy.types.Context) -> str:
        path = self.chosen()
        if path.suffix.lower() not in RIG_SUFFIXES:
            path = path.with_name(path.name + self.format)
        export_rig(context, _armature(context), path)
        return f"{path.name} is written"


def _armature(context: bpy.types.Context) -> bpy.types.Object:
    """The nearest one: a head's rig may stand on a body's."""
    armature = rig_of(context.object) or body_rig_of(context.object)
    assert armature is not None  # `refusal` has made sure
    return armature
