"""Further photos of one person: the list in the sidebar, and what a reconstruction makes of it."""

import bpy
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def environment(preferences, stub_python):
    preferences.existing_python = str(stub_python)


@pytest.fixture
def pictures(part, tmp_path):
    """pictures("a", "b"): files a.png and b.png in one folder, as a file browser gives them."""

    def make(*names: str) -> dict:
        for number, name in enumerate(names):
            picture = np.full((8, 8, 4), 100 + number, np.uint8)
            (tmp_path / f"{name}.png").write_bytes(part("scene.photo").png_bytes(picture))
        files = [{"name": f"{name}.png"} for name in names]
        return {"filepath": str(tmp_path / f"{names[0]}.png"), "directory": str(tmp_path), "files": files}

    return make


def listed() -> list[str]:
    return [item.image.name for item in bpy.context.scene.likeness.further]


def test_the_first_of_several_dropped_photos_is_the_reference_and_the_others_follow(pictures):
    assert bpy.ops.likeness.load_photo(**pictures("a", "b", "c")) == {"FINISHED"}
    assert bpy.context.scene.likeness.photo.name == "a.png" and listed() == ["b.png", "c.png"]


def test_photos_are_added_once(pictures):
    files = pictures("a", "b")
    bpy.ops.likeness.load_photo(filepath=files["filepath"])
    bpy.ops.likeness.add_photos(**files)
    bpy.ops.likeness.add_photos(**files)
    assert listed() == ["b.png"]


def test_the_list_is_ordered_emptied_and_gives_another_reference(pictures):
    bpy.ops.likeness.load_photo(**pictures("a", "b", "c"))
    properties = bpy.context.scene.likeness
    properties.further_index = 1
    bpy.ops.likeness.move_photo(direction="UP")
    assert listed() == ["c.png", "b.png"] and properties.further_index == 0
    bpy.ops.likeness.main_photo()
    assert properties.photo.name == "c.png" and listed() == ["a.png", "b.png"]
    bpy.ops.likeness.remove_photo()
    assert listed() == ["b.png"]
    bpy.ops.likeness.remove_photo()
    assert not bpy.ops.likeness.remove_photo.poll()


def test_ticked_photos_make_one_result_with_a_camera_each(part, pictures):
    bpy.ops.likeness.load_photo(**pictures("a", "b", "c"))
    bpy.context.scene.likeness.further[1].use = False
    assert bpy.ops.likeness.reconstruct() == {"FINISHED"}
    (collection,) = bpy.data.collections
    assert len([item for item in collection.objects if item.type == "CAMERA"]) == 2
    assert len(part("scene.views").photos_of(bpy.context.object)) == 2


def test_what_each_photo_added_is_said(part, pictures):
    bpy.ops.likeness.load_photo(**pictures("a", "other"))
    bpy.ops.likeness.reconstruct()
    report = part("panels.sidebar").report_of_active(bpy.context)
    sentences = [part("panels.photos").photo_sentence(told) for told in report["photos"]]
    assert sentences == ["a.png: left, turned by 40°, gives 25% of the surface its colour", "other.png shows somebody else."]


def test_further_photos_and_all_people_exclude_each_other(pictures):
    bpy.ops.likeness.load_photo(**pictures("a", "b"))
    bpy.context.scene.likeness.all_subjects = True
    with pytest.raises(RuntimeError, match="untick All People"):
        bpy.ops.likeness.reconstruct()


def test_frames_of_a_video_become_the_reference_photo_and_further_ones(part, monkeypatch, tmp_path):
    frames = part("core.animation.video_frames").VideoFrames(
        "clip.mp4", np.array([7, 2]), np.zeros(2, np.float32), np.zeros((2, 4, 6, 3), np.uint8)
    )

    class Chosen:
        stage, fraction = "Choosing Frames", 0.5
        poll = staticmethod(lambda: frames)
        close = cancel = staticmethod(lambda: None)

    monkeypatch.setattr(part("operators.add_video"), "ChoosingFrames", lambda client, source: Chosen())
    (tmp_path / "clip.mp4").touch()
    assert bpy.ops.likeness.add_video(filepath=str(tmp_path / "clip.mp4")) == {"FINISHED"}
    photo = bpy.context.scene.likeness.photo
    assert photo.name == "clip 1 (frame 7)" and listed() == ["clip 2 (frame 2)"]
    assert photo.packed_file is not None and tuple(photo.size) == (6, 4)
    with pytest.raises(RuntimeError, match="does not exist; choose a video"):
        bpy.ops.likeness.add_video(filepath=str(tmp_path / "other.mp4"))
