"""Choose a photo, click Reconstruct, cancel with Esc, click again, undo, look through the camera; then the same with a rig.

Pictures of the screen are kept in LIKENESS_OUT.
"""

import os
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from window import Steps, clear, click, heads, in_view, open_sidebar, part, picture, play, press, until, use_worker, view

BUTTON = (0.5, 253)
"""Where Reconstruct from Image is: share of the sidebar's width, pixels below its top, one pixel a unit."""


def click_reconstruct() -> Steps:
    region = view()[2]
    yield from click(region.x + int(region.width * BUTTON[0]), region.y + region.height - BUTTON[1])


def rig_steps() -> Steps:
    """Reconstruct with a rig, and each thing that the Head Rig panel does; every one is one undo step."""
    bpy.context.scene.likeness.rig = True
    clear()
    bpy.ops.ed.undo_push(message="before the rig")
    yield from click_reconstruct()
    yield from until(lambda: any(item.type == "ARMATURE" for item in bpy.data.objects), "the rig is there")
    yield 0.5
    bpy.ops.ed.undo()
    yield 0.5
    assert not bpy.data.armatures and not heads(), "one undo removes heads and rig"
    bpy.ops.ed.redo()
    yield 0.5
    assert len(bpy.data.armatures) == 1 and len(heads()) == 2
    with in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
    yield 1.0
    yield from picture("gui_rig")

    def state() -> tuple:
        jaw = next(item for item in bpy.data.objects if item.type == "ARMATURE").pose.bones["jaw"]
        heads = [item for item in bpy.data.objects if item.type == "MESH"]
        return (
            tuple(jaw.rotation_euler),
            sorted((item.name, item.hide_get(), [m.type for m in item.modifiers], len(item.vertex_groups)) for item in heads),
        )

    for name, options in (
        ("pose_rig", {"pose": "REST"}),
        ("show_head", {"head": "RECONSTRUCTED"}),
        ("deform_reconstructed", {}),
        ("transfer_data", {"data": "VGROUP_WEIGHTS", "to": "RECONSTRUCTED"}),
    ):
        before = state()
        with in_view():
            getattr(bpy.ops.likeness, name)("EXEC_DEFAULT", True, **options)
        after = state()
        assert after != before, f"{name} does something"
        bpy.ops.ed.undo()
        yield 0.3
        assert state() == before, f"one undo takes {name} back: {state()} instead of {before}"
        bpy.ops.ed.redo()
        yield 0.3
        assert state() == after, f"redo brings {name} again"
    yield 0.5
    yield from picture("gui_rig_deformed")


def steps() -> Steps:
    job = part("operators.job")
    use_worker(15.0)  # long enough for a picture of the progress and Esc on a busy machine
    bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=os.environ["LIKENESS_PHOTO"])
    clear()
    view()[1].spaces.active.shading.color_type = "VERTEX"
    yield from open_sidebar()
    yield 1.0
    yield from picture("gui_panel")

    yield from click_reconstruct()
    yield from until(job.current, "the click starts the job", 10)
    yield from until(lambda: job.current().fraction > 0, "progress arrives")
    yield from picture("gui_progress")
    assert job.current(), "the job ended before it could be cancelled"
    yield from press("ESC")
    begun = time.monotonic()
    yield from until(lambda: job.current() is None, "Esc ends the job")
    assert time.monotonic() - begun <= 1.5 and not heads()  # one second, and what a window without a GPU adds

    yield from click_reconstruct()
    yield from until(job.current, "the second click starts the job", 10)
    yield from until(heads, "the first look is there")
    yield from until(lambda: job.current() is None, "the head is there")
    yield 0.5
    assert heads() and "torch" not in sys.modules
    with in_view():
        bpy.ops.view3d.view_camera()
    yield 1.0
    yield from picture("gui_done")
    bpy.ops.ed.undo()
    yield 0.5
    assert not heads(), "one undo removes the head"
    assert bpy.context.scene.likeness.photo, "and nothing else"
    bpy.ops.ed.redo()
    yield 0.5
    assert len(heads()) == 1
    yield from rig_steps()


play(steps())
