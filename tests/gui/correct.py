"""An artist's way with one photo in the start-up scene: a first look, refined in place, one undo; pins that the face follows, a painted
mask, the people of the photo, and a new topology begun. Pictures of the screen are kept; look at them.

With the real worker (PYTHON) the pictures are real; times are said either way.
"""

import json
import os
import sys
import time
from pathlib import Path

import bpy
from bpy_extras.view3d_utils import location_3d_to_region_2d

sys.path.insert(0, str(Path(__file__).parent))
from window import Steps, heads, in_view, open_sidebar, part, picture, play, press, say, until, use_worker, view


def open_panels() -> None:
    """Panels that are closed at first are shown open."""
    for name in ("correct.LIKENESS_PT_correct", "manage.LIKENESS_PT_manage"):
        module, _, cls = name.partition(".")
        panel = getattr(part(f"panels.{module}"), cls)
        bpy.utils.unregister_class(panel)
        panel.bl_options = set()
        bpy.utils.register_class(panel)


def invoke(name: str, **options: object) -> None:
    with in_view():
        getattr(bpy.ops.likeness, name)("INVOKE_DEFAULT", True, **options)


def done() -> bool:
    return part("operators.job").current() is None


def drag(left: float, right: float) -> Steps:
    """A stroke below the face, between two shares of the 3D view's width."""
    window, _, _, main = view()
    y = main.y + round(0.3 * main.height)
    places = [main.x + round(main.width * (left + (right - left) * share / 20)) for share in range(21)]
    for x in (places[0] - 5, places[0]):
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield 0.3
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=places[0], y=y)
    for x in places:
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield 0.05
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=places[-1], y=y)
    yield 0.5


def select(item: bpy.types.Object) -> None:
    for other in bpy.context.view_layer.objects:
        other.select_set(other == item)
    bpy.context.view_layer.objects.active = item


def place_in_view(item: bpy.types.Object) -> tuple[float, float]:
    """Shares of the view's width and height."""
    _, area, _, main = view()
    seen = location_3d_to_region_2d(main, area.spaces.active.region_3d, item.matrix_world.translation)
    return seen.x / main.width, seen.y / main.height


def reconstruct_steps() -> Steps:
    bpy.ops.ed.undo_push(message="before")
    begun = time.monotonic()
    invoke("reconstruct")
    yield from until(heads, "the first look is there", 600)
    say(f"first look after {time.monotonic() - begun:.2f} s, working: {not done()}")
    early = not done()
    name = heads()[0]
    number = bpy.data.objects[name].session_uid
    if early:
        yield from picture("1_first_look")
    yield from until(done, "the head is done", 1500)
    yield 1.0
    assert heads() == [name] and bpy.data.objects[name].session_uid == number, "the same object"
    assert early, "there was a first look"
    yield from picture("2_refined")
    bpy.ops.ed.undo()
    yield 0.5
    assert not heads(), "one undo removes the head"
    bpy.ops.ed.redo()
    yield 0.5
    assert heads() == [name]
    begun = time.monotonic()
    invoke("reconstruct")
    yield from until(lambda: len(heads()) == 2, "the warm worker's first look is there", 600)
    say(f"warm: first look after {time.monotonic() - begun:.2f} s")
    yield from press("ESC")
    yield from until(done, "Esc ends the job", 30)
    yield 0.5
    assert heads() == [name], "what was shown of a cancelled job is gone"


def pin_steps() -> Steps:
    select(bpy.data.objects[heads()[0]])
    invoke("edit_pins")
    yield from until(lambda: done() and any("likeness_pin" in item for item in bpy.data.objects), "the pins are there", 600)
    yield 1.0
    yield from picture("3_pins")
    assert all(0 < share < 1 for pin in bpy.data.objects if "likeness_pin" in pin for share in place_in_view(pin)), "all pins are in sight"
    pin = next(item for item in bpy.data.objects if "likeness_pin" in item and "Nose Tip" in item["likeness_pin"])
    wire = next(item for item in bpy.data.objects if "likeness_fitted_face" in item)
    before = [vertex.co.copy() for vertex in wire.data.vertices]
    live, shown = part("operators.pins_live"), []
    show_fit = live.show_fit
    live.show_fit = lambda *fit: (show_fit(*fit), shown.append(time.monotonic()))
    select(pin)
    begun = time.monotonic()
    with in_view():
        bpy.ops.transform.translate("EXEC_DEFAULT", True, value=(0.012, 0, 0))
    moved = lambda: max((a.co - b).length for a, b in zip(wire.data.vertices, before, strict=True)) > 1e-4  # noqa: E731
    yield from until(moved, "the face follows", 600)
    live.show_fit = show_fit
    say(f"the face followed after {shown[0] - begun:.2f} s and was drawn, by software, after {time.monotonic() - begun:.2f} s")
    yield from picture("4_followed")
    with in_view():
        bpy.ops.likeness.lock_pins("EXEC_DEFAULT", True)
    invoke("apply_pins")
    yield from until(done, "the head is made again", 1500)
    yield 1.0
    assert not any("likeness_pin" in item for item in bpy.data.objects)
    assert json.loads(bpy.data.objects[heads()[0]]["likeness_pins"])["pins"][0]["landmark"] == "Nose Tip"
    yield from picture("5_applied")


def mask_steps() -> Steps:
    select(bpy.data.objects[heads()[0]])
    invoke("paint_mask")
    yield from until(lambda: done() and bpy.context.mode == "PAINT_TEXTURE", "the mask is there", 600)
    image = bpy.context.object["likeness_mask"]
    before = sum(image.pixels[::4])
    yield from picture("6_mask")
    yield from drag(0.3, 0.6)
    assert sum(image.pixels[::4]) < 0.999 * before, "the brush has painted black, which is nobody"
    yield from picture("6_mask_painted")
    name = heads()[0]
    invoke("apply_mask")
    yield from until(done, "the head is made again", 1500)
    yield 1.0
    assert heads() == [name] and bpy.context.mode == "OBJECT" and view()[1].spaces.active.shading.color_type != "TEXTURE"
    yield from picture("6_mask_applied")


def steps() -> Steps:
    open_panels()
    # Long enough for a picture of the first look on a busy machine.
    use_worker(float(os.environ.get("LIKENESS_LOOK_SECONDS", "15")))
    bpy.context.scene.likeness.quality = "draft"
    bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=os.environ["LIKENESS_PHOTO"])
    yield from open_sidebar()
    yield from picture("0_before")
    yield from reconstruct_steps()
    part("worker.client").close_shared()
    use_worker(1.0)
    yield from pin_steps()
    yield from mask_steps()
    invoke("find_people")
    yield from until(done, "the people are found", 300)
    yield 1.0
    yield from picture("7_people")
    select(bpy.data.objects[heads()[0]])
    invoke("wire_over_photo")
    yield 1.0
    yield from picture("8_wire")
    invoke("wire_over_photo")
    with in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
    invoke("set_up_retopo")
    yield 1.0
    yield from picture("9_retopo")


play(steps())
