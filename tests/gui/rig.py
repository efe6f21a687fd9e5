"""The rigged head as pictures: in half of the quads, ended at the collar, with a game's bone names; on Rigify's rig; written as USD.

With the stub worker only the interface is walked through; PYTHON=<worker's python> makes the real thing.
"""

import os
import sys
from pathlib import Path

import addon_utils
import bpy

sys.path.insert(0, str(Path(__file__).parent))
from window import OUT, Steps, clear, heads, in_view, open_sidebar, part, picture, play, say, until, use_worker, view


def seen(wire: bool, colour: str) -> Steps:
    """The whole head from half beside."""
    space = view()[1].spaces.active
    space.shading.type, space.shading.color_type = "SOLID", colour
    space.overlay.show_wireframes, space.overlay.wireframe_threshold = wire, 1.0
    with in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_orbit(type="ORBITLEFT", angle=0.5)
        bpy.ops.view3d.view_selected()
    yield 1.0


def steps() -> Steps:
    use_worker(1.0)
    clear()
    addon_utils.enable("rigify", default_set=True)
    yield from open_sidebar()
    settings = bpy.context.scene.likeness
    settings.quality, settings.rig, settings.hair = "draft", True, True
    settings.rig_detail, settings.cut, settings.bones = "half", "collar", "game"
    with in_view():
        bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=os.environ["LIKENESS_PHOTO"])
        bpy.ops.likeness.reconstruct("INVOKE_DEFAULT", True)
    yield from until(heads, "the head is there", 1200)
    yield from until(lambda: part("operators.job").current() is None, "the reconstruction", 1200)
    error = part("operators.failure").last()
    assert not error, error
    head = bpy.context.object
    armature = part("scene.rig").rig_of(head)
    name, rig_name = head.name, armature.name
    say(name, len(head.data.polygons), "faces", [bone.name for bone in armature.data.bones])
    yield from seen(True, "TEXTURE")
    yield from picture("1_rig")
    for kind in ("fbx", *(("usdz",) if bpy.app.build_options.usd else ())):  # some distributions build without USD
        with in_view():
            bpy.ops.likeness.export_rig(filepath=str(OUT / f"head.{kind}"))
        assert (OUT / f"head.{kind}").stat().st_size > 100_000
    with in_view():
        assert bpy.ops.likeness.rigify("INVOKE_DEFAULT", True) == {"FINISHED"}
    made = bpy.context.object
    made.pose.bones["head"].rotation_mode = "XYZ"
    made.pose.bones["head"].rotation_euler = (0.2, 0.4, 0.0)
    made.pose.bones["jaw"].rotation_euler[0] = 0.3
    yield from seen(False, "TEXTURE")
    yield from picture("2_rigify")
    with in_view():
        assert bpy.ops.ed.undo() == {"FINISHED"}
    yield 0.5
    assert part("scene.rig").rig_of(bpy.data.objects[name]).name == rig_name, "one step takes all of it back"
    yield from picture("3_undone")


play(steps())
