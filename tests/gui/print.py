"""A head in neutral expression and alike on both sides beside the reconstructed one, then a hollow print on a plinth, as pictures.

With the stub worker only the interface is walked through; PYTHON=<worker's python> makes the real thing.
"""

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from window import OUT, Steps, clear, finished, heads, in_view, open_sidebar, part, picture, play, say, until, use_worker, view


def open_panel() -> None:
    panel = part("panels.print").LIKENESS_PT_print
    bpy.utils.unregister_class(panel)
    panel.bl_options = set()
    bpy.utils.register_class(panel)


def steps() -> Steps:
    use_worker(1.0)
    clear()
    open_panel()
    settings = bpy.context.scene.likeness
    settings.quality, settings.rig, settings.neutral = "draft", True, "symmetric"
    with in_view():
        bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=os.environ["LIKENESS_PHOTO"])
        bpy.ops.likeness.reconstruct("INVOKE_DEFAULT", True)
    yield from open_sidebar()
    yield from until(heads, "the head is there", 1200)
    yield from finished("the reconstruction")
    own = bpy.context.object
    for item in bpy.data.objects:
        item.select_set(item.type == "MESH" and not item.name.startswith("WGT"))
    with in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
    say([(item.name, item.hide_get(), tuple(round(x, 3) for x in item.location)) for item in bpy.data.objects])
    yield from picture("1_neutral")
    for item in bpy.data.objects:
        item.select_set(item == own)
    bpy.context.view_layer.objects.active = own
    settings.print_wall, settings.plinth = 3.0, True
    view()[1].tag_redraw()
    yield from picture("2_print")
    for kind in ("3mf", "stl"):
        with in_view():
            bpy.ops.likeness.export_print("EXEC_DEFAULT", True, filepath=str(OUT / f"head.{kind}"))
        yield from finished(f"the {kind}")
        assert (OUT / f"head.{kind}").stat().st_size > 10_000
    yield from picture("3_printed")
    with in_view():
        bpy.ops.wm.stl_import(filepath=str(OUT / "head.stl"), global_scale=0.001)
    printed = bpy.context.object
    say(f"read back: {len(printed.data.polygons)} faces, {printed.dimensions.z * 1000:.1f} mm high")
    assert abs(printed.dimensions.z * 1000 - settings.print_height) < 0.1


play(steps())
