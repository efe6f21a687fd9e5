"""likeness.export_rig: the rigged head as a glTF or FBX file."""

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..scene.rig_export import RIG_SUFFIXES, export_rig
from .file import FileOperator
from .rig import RigOperator, active_rig


class LIKENESS_OT_export_rig(RigOperator, FileOperator, bpy.types.Operator):
    """Write the rigged head with skin, shape keys and texture for other programs"""

    bl_idname = "likeness.export_rig"
    bl_label = "Export Rig"
    # Not REGISTER: a repetition would replace the file without asking.
    bl_options = set()

    filter_glob: StringProperty(default=";".join(f"*{suffix}" for suffix in RIG_SUFFIXES), options={"SKIP_SAVE", "HIDDEN"})
    check_existing: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    format: EnumProperty(
        name="Format",
        description="Kind of file",
        items=[(".glb", "glTF", "Binary glTF 2.0, bones at rest"), (".fbx", "FBX", "Binary FBX, bones as posed")],
    )

    def proposal(self, context: bpy.types.Context) -> str:
        return bpy.path.clean_name(active_rig(context).name)

    def run(self, context: bpy.types.Context) -> str:
        path = self.chosen()
        if path.suffix.lower() not in RIG_SUFFIXES:
            path = path.with_name(path.name + self.format)
        export_rig(context, active_rig(context), path)
        return f"{path.name} is written"
