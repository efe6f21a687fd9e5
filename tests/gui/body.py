"""An artist's way with a clothed body: a photo, the body from four sides, its pose and bones, then files for other programs and a printer.

The files stay beside the pictures; run_gui.sh has the Khronos validator read the glTF file. With the stub worker only the interface is
walked through; PYTHON=<worker's python> makes the real thing.
"""

import os
import sys
from pathlib import Path

import bpy
from mathutils import Matrix

sys.path.insert(0, str(Path(__file__).parent))
from window import OUT, Steps, clear, finished, heads, in_view, open_sidebar, part, picture, play, say, use_worker, view

_SIDES = {"front": "FRONT", "side": "RIGHT", "back": "BACK"}


def body() -> tuple[bpy.types.Object, bpy.types.Object]:
    """The body and its armature."""
    item = bpy.data.objects[heads()[0]]
    armature = part("scene.body_rig").body_rig_of(item)
    assert armature is not None, "the body has an armature"
    return item, armature


def seen_from(side: str) -> Steps:
    with in_view():
        bpy.ops.view3d.view_axis(type=side)
        bpy.ops.view3d.view_selected()
    yield 1.0


def corners(item: bpy.types.Object) -> list[tuple[float, ...]]:
    """Every hundredth vertex as the armature has it."""
    mesh = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    return [tuple(vertex.co) for vertex in list(mesh.vertices)[::100]]


def farthest(some: list[tuple[float, ...]], others: list[tuple[float, ...]]) -> float:
    """Metres between vertices before and after."""
    return max(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 for one, other in zip(some, others, strict=True))


def reconstruct_steps() -> Steps:
    scene = bpy.context.scene
    scene.likeness.subject, scene.likeness.quality = "body", os.environ.get("LIKENESS_QUALITY", "draft")
    with in_view():
        bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=os.environ["LIKENESS_PHOTO"])
        bpy.ops.likeness.reconstruct("INVOKE_DEFAULT", True)
    yield from finished("the body is there")
    item, armature = body()
    low, high = (edge(corner[2] for corner in item.bound_box) for edge in (min, max))
    say(f"{len(item.data.polygons)} faces, {len(armature.data.bones)} bones, from {low:.3f} to {high:.3f} m")
    assert abs(low) < 0.01 and abs(high - scene.likeness.height) < 0.25, "it stands on the ground, about as high as was wanted"
    with in_view():
        bpy.ops.view3d.view_camera()
    yield 1.0
    yield from picture("1_over_the_photo")
    for name, side in _SIDES.items():
        yield from seen_from(side)
        yield from picture(f"2_{name}")


def pose_steps() -> Steps:
    item, armature = body()
    before = corners(item)
    with in_view():
        bpy.ops.likeness.pose_body("EXEC_DEFAULT", True, pose="A")
    yield from seen_from("FRONT")
    moved = farthest(corners(item), before)
    say(f"the A-pose moves the body by up to {moved:.2f} m")
    assert moved > 0.05
    yield from picture("3_a_pose")
    bpy.ops.ed.undo()
    yield 0.5
    item, armature = body()
    assert farthest(corners(item), before) < 1e-4, "one undo takes the pose back"
    bone = armature.pose.bones.get("forearm.L") or armature.pose.bones[-1]
    bone.matrix_basis = Matrix.Rotation(1.0, 4, "X")
    bpy.context.view_layer.update()
    assert farthest(corners(item), before) > 0.02, "a bone moves the body"
    yield from seen_from("FRONT")
    yield from picture("4_bent_arm")
    with in_view():
        bpy.ops.likeness.pose_body("EXEC_DEFAULT", True, pose="PHOTO")
    yield 0.5
    assert farthest(corners(item), before) < 1e-4


def file_steps() -> Steps:
    for name in ("body.glb", "body.fbx"):
        with in_view():
            assert bpy.ops.likeness.export_rig("EXEC_DEFAULT", True, filepath=str(OUT / name)) == {"FINISHED"}
        assert (OUT / name).stat().st_size > 10_000
        yield 0.5
    with in_view():
        bpy.ops.likeness.export_print("INVOKE_DEFAULT", True, filepath=str(OUT / "body.3mf"))
    yield from finished("the print is written")
    assert (OUT / "body.3mf").stat().st_size > 10_000
    yield from picture("5_written")


def steps() -> Steps:
    use_worker(2.0)
    clear()
    view()[1].spaces.active.shading.color_type = "VERTEX"
    yield from open_sidebar()
    yield from reconstruct_steps()
    yield from pose_steps()
    yield from file_steps()


play(steps())
