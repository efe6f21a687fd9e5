"""likeness.export_rig: the rigged head as a glTF or FBX file."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from ..core.errors import LikenessError
from ..scene.rig import rig_of
from ..scene.rig_export import RIG_SUFFIXES, export_rig
from .rig import RigOperator


class LIKENESS_OT_export_rig(RigOperator, bpy.types.Operator):
    """Write the rigged head with skin, shape keys and texture for other programs"""

    bl_idname = "likeness.export_rig"
    bl_label = "Export Rig"
    bl_options = {"REGISTER"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"})
    format: EnumProperty(
        name="Format",
        description="Kind of file",
        items=[(".glb", "glTF", "Binary glTF 2.0, bones at rest"), (".fbx", "FBX", "Binary FBX, bones as posed")],
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            self.filepath = str(Path(bpy.data.filepath).with_name(rig_of(context.object).name))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        if path.suffix.lower() not in RIG_SUFFIXES:
            path = path.with_name(path.name + self.format)
        try:
            export_rig(context, rig_of(context.object), path)
        except LikenessError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{path.name} is written")
        return {"FINISHED"}
