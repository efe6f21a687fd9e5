"""What a new user sees, as pictures: the sidebar before and after the set-up, a dropped photo, a result, a rig, a failure with its report,
the preferences, the file browser. A program can judge the tabs, the panels and what is greyed out; look at the rest."""

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from window import EXTENSION, Steps, heads, in_view, open_sidebar, part, picture, play, until, use_worker, view


def steps() -> Steps:
    yield from open_sidebar()
    yield from picture("1_before_set_up")
    view()[1].spaces.active.show_region_ui = False
    use_worker(1.0)
    yield 0.5
    with in_view():
        assert not bpy.ops.likeness.reconstruct.poll(), "Reconstruct is greyed out without a photo"
        bpy.ops.likeness.load_photo("INVOKE_DEFAULT", True, filepath=os.environ["LIKENESS_PHOTO"])  # as a drop does
    yield 2.0
    assert view()[1].spaces.active.show_region_ui and view()[2].active_panel_category == "Likeness", "a drop opens the sidebar"
    yield from picture("2_photo_dropped")

    bpy.context.scene.likeness.rig = False
    with in_view():
        bpy.ops.likeness.reconstruct("INVOKE_DEFAULT", True)
    yield from until(heads, "the head is there")
    yield 1.0
    assert not part("panels.bake").takes_textures(bpy.context.object), "nothing to bake on a head just made"
    yield from picture("3_result")
    bpy.context.scene.likeness.rig = True
    with in_view():
        bpy.ops.likeness.reconstruct("INVOKE_DEFAULT", True)
    yield from until(lambda: bpy.data.armatures, "the rig is there")
    yield 1.0
    yield from picture("4_rig")
    with in_view():
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.1)
    yield 1.0
    yield from picture("5_bake")

    broken = Path(os.environ["LIKENESS_OUT"]) / "killed.png"
    broken.write_bytes(Path(os.environ["LIKENESS_PHOTO"]).read_bytes())
    with in_view():
        bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=str(broken))
        bpy.ops.likeness.reconstruct("INVOKE_DEFAULT", True)
    yield from until(part("operators.failure").last, "the failure is kept")
    yield 1.0
    yield from picture("6_failure")
    with in_view():
        assert bpy.ops.likeness.copy_report() == {"FINISHED"}
    copied = bpy.context.window_manager.clipboard
    assert "Blender: " in copied and "Traceback" in copied and str(Path.home()) + "/" not in copied

    with in_view():
        bpy.ops.likeness.load_photo("INVOKE_DEFAULT", True)
    yield 5.0  # thumbnails take their time
    yield from picture("7_file_browser")
    browser = bpy.context.window_manager.windows[-1].screen.areas[0]
    assert browser.type == "FILE_BROWSER" and browser.spaces.active.params.display_type == "THUMBNAIL"
    assert Path(browser.spaces.active.params.directory.decode()) == broken.parent, "it opens where the photo lies"
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1], area=browser):
        bpy.ops.file.cancel()
    yield 1.0

    self_test = part("operators.self_test")
    self_test.summary, self_test.passed = "Self-test passed.\nLinux x86_64, 2 cores\ntorch 2.13.0\ntest photo: 41000 vertices", True
    view()[1].type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Likeness"
    bpy.ops.preferences.addon_expand(module=EXTENSION)
    yield 1.0
    yield from picture("8_preferences")


play(steps())
