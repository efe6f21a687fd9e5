"""The steps of run_gui.sh, inside Blender: choose a photo, click Reconstruct, cancel with Esc, click again, undo, look through the camera.

Ends Blender with exit code 3 when something is not as it should be; pictures of the screen are kept in LIKENESS_OUT.
"""

import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

OUT = Path(os.environ["LIKENESS_OUT"])
PATIENCE = float(os.environ.get("LIKENESS_PATIENCE", "120"))
BUTTON = (0.5, 270)
"""Where Reconstruct from Image is: share of the sidebar's width, pixels below its top, at 1280 x 800 and one pixel a unit."""
EXTENSION = "bl_ext.user_default.likeness"
Steps = Iterator[float]
started = time.monotonic()


def say(*words: object) -> None:
    print(f"GUI {time.monotonic() - started:6.2f}", *words, flush=True)


def view() -> tuple[bpy.types.Window, bpy.types.Area, bpy.types.Region, bpy.types.Region]:
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    regions = {region.type: region for region in area.regions}
    return window, area, regions["UI"], regions["WINDOW"]


def until(condition: Callable[[], object], what: str, limit: float = PATIENCE) -> Steps:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < limit, f"waited {limit} s for: {what}"
        yield 0.05
    say(f"{what}: {time.monotonic() - begun:.2f} s")


def click(x: int, y: int) -> Steps:
    """y counts from the bottom. Without two moves and a pause the press hits nothing."""
    window = view()[0]
    for offset in (-5, 0):
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x + offset, y=y)
        yield 0.5
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
    yield 0.2
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=x, y=y)
    yield 0.2


def press(key: str) -> Steps:
    window, _, _, main = view()
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=main.x + 200, y=main.y + 200)
    yield 0.3
    window.event_simulate(type=key, value="PRESS", x=main.x + 200, y=main.y + 200)
    yield 0.05
    window.event_simulate(type=key, value="RELEASE", x=main.x + 200, y=main.y + 200)


def picture(name: str) -> Steps:
    wanted = OUT / f"{name}.want"
    yield 0.7
    wanted.touch()
    yield from until(lambda: not wanted.exists(), f"picture {name}")


def click_reconstruct() -> Steps:
    region = view()[2]
    yield from click(region.x + int(region.width * BUTTON[0]), region.y + region.height - BUTTON[1])


def heads() -> list[str]:
    return [item.name for item in bpy.data.objects if "likeness_report" in item]


def rig_steps() -> Steps:
    """Reconstruct with a rig, and each thing that the Head Rig panel does; every one is one undo step."""
    _, area, _, main = view()
    bpy.context.scene.likeness.rig = True
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
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
    with bpy.context.temp_override(window=view()[0], area=area, region=main):
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
        ("show_head", {"head": "FREE_FORM"}),
        ("deform_free_form", {}),
        ("transfer_data", {"data": "VGROUP_WEIGHTS", "to": "FREE_FORM"}),
    ):
        before = state()
        with bpy.context.temp_override(window=view()[0], area=area, region=main):
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
    _, area, _, main = view()
    job = importlib.import_module(f"{EXTENSION}.operators.job")
    bpy.context.preferences.addons[EXTENSION].preferences.existing_python = os.environ["LIKENESS_PYTHON"]
    bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=os.environ["LIKENESS_PHOTO"])
    for item in list(bpy.data.objects):  # the start-up cube would hide the head
        bpy.data.objects.remove(item)
    area.spaces.active.shading.color_type = "VERTEX"
    area.spaces.active.show_region_ui = True
    yield 1.0
    view()[2].active_panel_category = "Likeness"  # only possible one tick after the sidebar was opened
    area.tag_redraw()
    yield 2.0
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
    yield from until(heads, "the head is there")
    yield 0.5
    assert job.current() is None and "torch" not in sys.modules
    with bpy.context.temp_override(window=view()[0], area=area, region=main):
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
    say("all as it should be")
    bpy.ops.wm.quit_blender()


def advance() -> float | None:
    try:
        return next(running)
    except StopIteration:
        return None
    except Exception:  # noqa: BLE001 - nothing may leave Blender waiting for ever
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(3)


running = steps()
bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(advance, first_interval=2.0)
