"""The way of a retopologising artist, as pictures: photo, head, retopo mesh in wire, baked, and a low-poly mesh by the free method, baked.

With the stub worker only the interface is walked through; PYTHON=<worker's python> makes the real thing.
"""

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from window import Steps, clear, finished, heads, in_view, open_sidebar, part, picture, play, press, say, until, use_worker, view


def asked(name: str, **options: object) -> Steps:
    """An operator from its button: its dialog is confirmed with Return, and its job waited for."""
    module, _, function = name.partition(".")
    with in_view():
        getattr(getattr(bpy.ops, module), function)("INVOKE_DEFAULT", True, **options)
    yield from picture(f"{len(list(Path(os.environ['LIKENESS_OUT']).glob('*.png')))}_dialog")
    yield from press("RET", move=False)
    yield from until(lambda: part("operators.job").current() is not None, f"{name} runs", 20)
    yield from finished(name)


def shown(item: bpy.types.Object, wire: bool, colour: str) -> Steps:
    """The head from the front, filling the view."""
    _, area, _, _ = view()
    space = area.spaces.active
    space.shading.type, space.shading.color_type = "SOLID", colour
    space.overlay.show_wireframes, space.overlay.wireframe_threshold = wire, 1.0
    with in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
    yield 1.0
    say(item.name, len(item.data.polygons), "faces", [modifier.type for modifier in item.modifiers])


def steps() -> Steps:
    use_worker(1.0)
    clear()
    yield from open_sidebar()
    scene = bpy.context.scene
    scene.likeness.quality = "draft"
    with in_view():
        bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=os.environ["LIKENESS_PHOTO"])
        bpy.ops.likeness.reconstruct("INVOKE_DEFAULT", True)
    yield from until(heads, "the head is there", 1200)
    yield from finished("the reconstruction")
    head = bpy.context.object
    knows_parts = "Hair" in head.vertex_groups
    yield from shown(head, False, "VERTEX")
    yield from picture("1_head")

    yield from asked("likeness.retopologise")
    item = bpy.context.object
    name = item.name
    assert item != head and item.name.endswith("Retopo") and head.hide_get() and item.modifiers[-1].target == head
    yield from shown(item, True, "VERTEX")
    yield from picture("3_retopo")
    yield from asked("likeness.bake_uvs", size="1024")
    assert {image.name.rpartition(" ")[2] for image in bpy.data.images if image.name.startswith(name)} == {
        "Texture", "Normal", "Displacement", "Observed"
    }  # fmt: skip
    yield from shown(item, False, "TEXTURE")
    yield from picture("5_baked")
    with in_view():
        assert bpy.ops.ed.undo() == {"FINISHED"}
    assert not [image for image in bpy.data.images if image.name.endswith("Retopo Normal")], "one step takes all of it back"
    with in_view():
        bpy.ops.ed.redo()

    if knows_parts:  # not the stub's
        bpy.data.objects[name].hide_set(True)
        yield from asked("likeness.retopologise", parts="SEPARATE")
        parts = [item.name for item in bpy.context.selected_objects]
        assert [one for one in parts if one.endswith("Hair")]
        yield from shown(bpy.context.object, True, "OBJECT")
        yield from picture("parts")
        for one in parts:
            bpy.context.view_layer.objects.active = bpy.data.objects[one]
            yield from asked("likeness.bake_uvs", size="1024")
        yield from shown(bpy.context.object, False, "TEXTURE")
        yield from picture("parts_baked")
        for one in parts:
            bpy.data.objects[one].hide_set(True)

    yield from asked("likeness.retopologise", method="FREE", parts="ONE", quads=1500)
    low = bpy.context.object
    assert low.name != name and 1000 < len(low.data.polygons) < 2500
    bpy.data.objects[name].hide_set(True)
    yield from shown(low, True, "VERTEX")
    yield from picture("7_low_poly")
    yield from asked("likeness.bake_uvs", size="1024")
    yield from shown(low, False, "TEXTURE")
    yield from picture("9_low_poly_baked")

    # Esc ends the other Blender.
    with in_view():
        bpy.ops.likeness.retopologise("INVOKE_DEFAULT", True, method="FREE", parts="ONE")
    yield 0.5
    yield from press("RET", move=False)
    yield from until(lambda: part("operators.job").current() is not None, "it runs", 20)
    before = len(bpy.data.objects)
    yield from press("ESC")
    yield from until(lambda: part("operators.job").current() is None, "Esc ends it", 20)
    assert len(bpy.data.objects) == before


play(steps())
