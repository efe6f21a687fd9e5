"""What operators on a file propose in Blender's file browser."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest


@pytest.fixture
def asked(part):
    """asked(operator class): what its file browser shows at first."""

    def ask(cls) -> SimpleNamespace:
        shown = SimpleNamespace()
        base = next(base for base in cls.__mro__ if base.__name__ == "FileOperator")
        me = SimpleNamespace(filepath="", _folder=cls._folder, proposal=lambda context: cls.proposal(me, context))
        window_manager = SimpleNamespace(fileselect_add=lambda operator: shown.__dict__.update(filepath=operator.filepath))
        context = SimpleNamespace(scene=bpy.context.scene, object=bpy.context.object, window_manager=window_manager)
        assert base.ask(me, context) == {"RUNNING_MODAL"}
        return shown

    return ask


def _file_operators(part) -> list[type]:
    return [cls for cls in part("operators").CLASSES if issubclass(cls, part("operators.file").FileOperator)]


def test_browsers_open_where_the_photo_lies_then_where_the_last_file_was(part, asked, tmp_path):
    path = tmp_path / "photos" / "Grace.png"
    path.parent.mkdir()
    path.write_bytes(part("scene.photo").png_bytes(np.full((8, 8, 4), 200, np.uint8)))
    load = part("operators.load_photo").LIKENESS_OT_load_photo
    load._folder = ""
    assert Path(asked(load).filepath) == Path.home()
    bpy.context.scene.likeness.photo = bpy.data.images.load(str(path))
    assert asked(load).filepath == f"{path.parent}/"
    load._folder = str(tmp_path)
    assert asked(load).filepath == f"{tmp_path}/"
    load._folder = ""


def test_export_proposes_a_name_in_a_file_that_was_never_saved(part, asked, rigged_result):
    part("scene.build").build_result(bpy.context, rigged_result)
    export = part("operators.export_rig").LIKENESS_OT_export_rig
    export._folder = ""
    assert not bpy.data.filepath and asked(export).filepath == str(Path.home() / "Ada_Rig")


def test_pictures_are_chosen_by_their_thumbnails_and_nothing_else_is_kept(part):
    for cls in _file_operators(part):
        properties = getattr(bpy.ops.likeness, cls.bl_idname.partition(".")[2]).get_rna_type().properties
        assert properties["filepath"].is_skip_save
        if issubclass(cls, part("operators.file").PictureOperator):
            assert properties["display_type"].default == "THUMBNAIL"
            assert properties["display_type"].enum_items["THUMBNAIL"].value == 3  # as in Blender's file browser
            assert properties["filter_folder"].default
    assert len(_file_operators(part)) >= 5


def test_drop_menu_names_the_extension(part):
    load = part("operators.load_photo")
    assert load.LIKENESS_FH_photo.bl_import_operator == load.LIKENESS_OT_load_photo.bl_idname
    assert "Likeness" in load.LIKENESS_OT_load_photo.bl_label  # the menu shows the operator's label


def test_the_worker_starts_when_a_photo_is_loaded_and_says_nothing_where_there_is_none(part, preferences, stub_python):
    load, client = part("operators.load_photo"), part("worker.client")
    preferences.existing_python = "/nowhere/python"
    load._start_worker(bpy.context)
    preferences.existing_python = str(stub_python)
    load._start_worker(bpy.context)
    shared = client.shared_client(part("operators.environment").worker_python(bpy.context))
    assert shared.alive and not shared.busy
    client.close_shared()
