"""What the scripts of run_gui.sh share: steps in a Blender window, simulated clicks and keys, pictures of the screen.

A script is a generator of pauses in seconds, given to `play`, which ends Blender with exit code 3 when something is not as it should be.
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
EXTENSION = "bl_ext.user_default.likeness"
Steps = Iterator[float]
started = time.monotonic()


def say(*words: object) -> None:
    print(f"GUI {time.monotonic() - started:6.2f}", *words, flush=True)


def part(name: str):
    """part("operators.job") is that module of the extension."""
    return importlib.import_module(f"{EXTENSION}.{name}")


def view() -> tuple[bpy.types.Window, bpy.types.Area, bpy.types.Region, bpy.types.Region]:
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    regions = {region.type: region for region in area.regions}
    return window, area, regions["UI"], regions["WINDOW"]


def in_view():
    """Context of the 3D view, for operators."""
    window, area, _, main = view()
    return bpy.context.temp_override(window=window, area=area, region=main)


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


def press(key: str, move: bool = True, **modifiers: bool) -> Steps:
    """In the 3D view; `move=False` leaves the mouse where it is, as over a dialog."""
    window, _, _, main = view()
    x, y = main.x + 200, main.y + 200
    if move:
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield 0.3
    window.event_simulate(type=key, value="PRESS", x=x, y=y, **modifiers)
    yield 0.05
    window.event_simulate(type=key, value="RELEASE", x=x, y=y, **modifiers)
    yield 0.05


def picture(name: str) -> Steps:
    wanted = OUT / f"{name}.want"
    yield 0.7
    wanted.touch()
    yield from until(lambda: not wanted.exists(), f"picture {name}")


def open_sidebar() -> Steps:
    area = view()[1]
    area.spaces.active.show_region_ui = True
    yield 1.0
    view()[2].active_panel_category = "Likeness"  # only possible one tick after the sidebar was opened
    area.tag_redraw()
    yield 1.0


def heads() -> list[str]:
    return [item.name for item in bpy.data.objects if "likeness_report" in item]


def finished(what: str) -> Steps:
    """Wait until no job runs; fails where the last one has told an error."""
    yield from until(lambda: part("operators.job").current() is None, what, 1200)
    error = part("operators.failure").last()
    assert not error, error
    yield 1.0


def use_worker(seconds: float) -> None:
    """`seconds`: how long a job of the stub worker takes."""
    os.environ["LIKENESS_STUB_SECONDS"] = str(seconds)
    bpy.context.preferences.addons[EXTENSION].preferences.existing_python = os.environ["LIKENESS_PYTHON"]


def clear() -> None:
    """The start-up cube would hide the head."""
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)


def play(steps: Steps) -> None:
    def advance() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            say("all as it should be")
            bpy.ops.wm.quit_blender()
        except Exception:  # noqa: BLE001 - nothing may leave Blender waiting for ever
            traceback.print_exc()
            sys.stderr.flush()
            sys.stdout.flush()
            os._exit(3)
        return None

    bpy.context.preferences.view.show_splash = False
    bpy.app.timers.register(advance, first_interval=2.0, persistent=True)
