"""Registration, names, properties and panels."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import bpy
import pytest

ROOT = Path(__file__).resolve().parents[2]


def _classes(part):
    return (*part("panels").CLASSES, *part("operators").CLASSES)


def test_disabling_and_enabling_again_leaves_nothing_behind(extension):
    extension.unregister()
    assert not hasattr(bpy.types.Scene, "likeness")
    assert not [name for name in dir(bpy.types) if name.startswith("LIKENESS")]
    extension.register()
    assert bpy.context.scene.likeness.settings() is not None


def test_ids_carry_the_prefix(part):
    for cls in _classes(part):
        assert cls.__name__.startswith("LIKENESS_")
        if issubclass(cls, bpy.types.Operator):
            assert cls.bl_idname.startswith("likeness.")
            assert cls.__name__ == "LIKENESS_OT_" + cls.bl_idname.partition(".")[2]
        elif issubclass(cls, bpy.types.Panel | bpy.types.FileHandler):
            assert cls.bl_idname == cls.__name__


def test_what_changes_the_file_can_be_undone(part):
    """Blender pushes no undo step for an operator without the option, and a former one would take back more than the user asked for."""
    leaves_the_file = {
        "likeness.cancel",
        "likeness.copy_report",
        "likeness.export_print",
        "likeness.export_rig",
        "likeness.find_people",
        "likeness.help",
        "likeness.self_test",
        "likeness.set_up_environment",
        "likeness.show_colours",
    }
    for cls in part("operators").CLASSES:
        if issubclass(cls, bpy.types.Operator) and cls.bl_idname not in leaves_the_file:
            assert cls.bl_options >= {"REGISTER", "UNDO"}, cls.bl_idname


def test_tooltips_are_there_and_end_without_a_full_stop(part, preferences):
    for cls in _classes(part):
        if issubclass(cls, bpy.types.Operator):
            assert cls.__doc__ and not cls.__doc__.endswith(".") and "\n" not in cls.__doc__
            small = ("as", "at", "for", "from", "over", "these", "to", "with")
            assert all(word in small or word[0].isupper() for word in cls.bl_label.split())
    texts = [(p.name, p.description) for p in bpy.context.scene.likeness.bl_rna.properties if p.identifier not in ("rna_type", "name")]
    texts += [(p.name, p.description) for p in preferences.bl_rna.properties if p.identifier in ("existing_python", "wheels")]
    assert len(texts) >= 7
    for name, description in texts:
        assert name and description and not description.endswith(".")


def test_properties_are_the_settings(part):
    Settings = part("core.settings").Settings  # noqa: N806
    properties = bpy.context.scene.likeness
    assert properties.settings() == Settings()
    rna = properties.bl_rna.properties
    assert {p.identifier for p in rna} - {"rna_type", "name", "photo", "further", "further_index"} == {
        option.name for option in fields(Settings)
    }
    for option in fields(Settings):
        found = rna[option.name]
        assert (found.name, found.description) == (option.metadata["label"], option.metadata["help"])
        assert found.default == (pytest.approx(option.default) if isinstance(option.default, float) else option.default)
        if option.metadata["choices"]:
            assert tuple(item.identifier for item in found.enum_items) == option.metadata["choices"]
        elif option.metadata["low"] is not None:
            assert found.hard_min == pytest.approx(option.metadata["low"])
    properties.quality, properties.subject_index = "high", 7
    assert properties.settings() == Settings(quality="high", subject_index=7)


def _drawn(cls, layout) -> list[str]:
    """The texts of what a panel draws."""
    cls.draw(type("Drawn", (), {"layout": layout})(), bpy.context)
    return [str(value) for name, _, options in layout.calls for value in options.values()] + [
        str(argument) for _, arguments, _ in layout.calls for argument in arguments
    ]


def test_sidebar_offers_the_set_up_until_there_is_an_environment(part, preferences, layout, stub_python):
    panel = part("panels.sidebar").LIKENESS_PT_reconstruct
    drawn = _drawn(panel, layout)
    assert "likeness.set_up_environment" in drawn and "likeness.reconstruct" not in drawn
    preferences.existing_python = str(stub_python)
    layout.calls.clear()
    drawn = _drawn(panel, layout)
    assert "likeness.reconstruct" in drawn and "likeness.set_up_environment" not in drawn
    assert "quality" in drawn and "photo" in drawn


def test_advanced_panel_has_every_other_option(part, layout):
    drawn = _drawn(part("panels.sidebar").LIKENESS_PT_advanced, layout)
    assert {"device", "texture", "all_subjects"} <= set(drawn) and not {"quality", "subject_index", "crop_left"} & set(drawn)


def test_result_panel_tells_the_active_heads_figures(part, layout, make_result):
    panel = part("panels.sidebar").LIKENESS_PT_result
    assert not panel.poll(bpy.context)
    part("scene.build").build_result(bpy.context, make_result())
    assert panel.poll(bpy.context)
    drawn = _drawn(panel, layout)
    assert {"97.0%", "1.2%", "50%", "5 s"} <= set(drawn)
    assert any("The photo is small" in text for text in drawn)


def test_advanced_panel_opens_the_page_of_detail_networks_and_no_other(part, layout):
    assert _drawn(part("panels.sidebar").LIKENESS_PT_advanced, layout).count("wm.url_open") == 2


def test_result_panel_shows_which_detail_network_was_used(part):
    figures = part("panels.sidebar").figures
    settings = {"normals": "n.onnx", "matte": "", "flame": "f.pkl"}
    report = {"settings": settings, "weights": {"field.safetensors": "00", "normals/n.onnx": "0123456789abcdef"}}
    assert figures(report) == [("Normals File", "n.onnx (0123456789ab)")]
    assert figures({"settings": settings, "weights": ["n.onnx"]}) == figures({"settings": 3}) == []


def test_result_panel_is_not_there_for_remeshed_copies(part, make_result):
    panel = part("panels.sidebar").LIKENESS_PT_result
    part("scene.build").build_result(bpy.context, make_result())
    bpy.ops.object.duplicate()
    bpy.context.object.modifiers.new("Fewer", "DECIMATE").ratio = 0.5
    bpy.ops.object.modifier_apply(modifier="Fewer")
    assert "likeness_report" in bpy.context.object and not panel.poll(bpy.context)


def test_a_doubtful_result_says_so_before_its_figures(part, layout, make_result):
    result = make_result()
    part("scene.build").build_result(bpy.context, replace(result, report=result.report | {"quality": "doubtful"}))
    drawn = _drawn(part("panels.sidebar").LIKENESS_PT_result, layout)
    said = [next(i for i, text in enumerate(drawn) if wanted in text) for wanted in ("Doubtful", "The photo is small", "97.0%")]
    assert said == sorted(said)
    layout.calls.clear()
    part("scene.build").build_result(bpy.context, result)
    assert not any("Doubtful" in text for text in _drawn(part("panels.sidebar").LIKENESS_PT_result, layout))


@pytest.mark.parametrize("report", ["", "[]", "{", '{"silhouette_iou": "x", "warnings": [1], "timings": []}', 5])
def test_result_panel_survives_foreign_files(part, layout, make_result, report):
    part("scene.build").build_result(bpy.context, make_result())
    bpy.context.object["likeness_report"] = report
    _drawn(part("panels.sidebar").LIKENESS_PT_result, layout)


def test_preferences_draw_in_every_state(part, preferences, layout, stub_python):
    cls = part("panels.preferences").LIKENESS_AP_preferences

    def draw():
        layout.calls.clear()
        values = {"layout": layout, "existing_python": preferences.existing_python, "wheels": preferences.wheels}
        cls.draw(type("Drawn", (), values)(), bpy.context)
        return [argument for name, arguments, _ in layout.calls if name == "operator" for argument in arguments]

    assert draw() == ["likeness.set_up_environment"]
    preferences.existing_python = str(stub_python)
    assert draw() == ["likeness.self_test"]


def test_blenders_process_never_sees_torch():
    """Everything that Blender imports, in a fresh process: the extension's modules and their own imports."""
    code = (
        "import sys, bpy, likeness.operators, likeness.panels, likeness.scene.build, likeness.scene.write\n"
        "heavy = {'torch', 'mediapipe', 'skimage', 'cv2', 'scipy', 'trimesh', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    setup = (
        "import importlib.machinery, importlib.util, sys\n"
        "spec = importlib.machinery.ModuleSpec('likeness', None, is_package=True)\n"
        f"spec.submodule_search_locations = [{str(ROOT)!r}]\n"
        "sys.modules['likeness'] = importlib.util.module_from_spec(spec)\n"
    )
    blender = [bpy.app.binary_path, "--background", "--factory-startup", "--python-exit-code", "1", "--python-expr"]
    subprocess.run([*(blender if bpy.app.binary_path else [sys.executable, "-c"]), setup + code], check=True, timeout=120)


def test_root_package_imports_nothing():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def test_lowest_blender_that_the_manifest_promises_is_tested():
    lowest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())["blender_version_min"]
    tested = re.search(r"^bpy==(.*)$", (ROOT / "tools" / "dev.in").read_text(), re.MULTILINE)
    assert tested and tested[1].split(".")[:2] == lowest.split(".")[:2]


def test_zip_holds_the_product_only(extension_zip):
    names = zipfile.ZipFile(extension_zip).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops <= {"__init__.py", "blender_manifest.toml", "operators", "panels", "scene", "worker", "core", "cli", "weights", "LICENSE"}
    assert {"scene/build.py", "operators/reconstruct.py", "worker/requirements.lock", "weights/head_model.npz"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".blend"))]
