"""Corrections by hand in the scene: pins, the painted mask, the people to choose from; with the stub worker."""

import json
from types import SimpleNamespace

import bpy
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def environment(preferences, stub_python, monkeypatch):
    preferences.existing_python = str(stub_python)
    monkeypatch.setenv("LIKENESS_STUB_SECONDS", "0.02")


@pytest.fixture
def head(part, make_result):
    """A result of the stub's own head, whose photo is the view's."""
    part("scene.build").build_result(bpy.context, make_result())
    return bpy.context.object


def _pins(part) -> dict[str, bpy.types.Object]:
    return {json.loads(item["likeness_pin"]).get("landmark", item.name): item for item in bpy.data.objects if "likeness_pin" in item}


def _seen(part, head, pin) -> np.ndarray:
    bpy.context.view_layer.update()
    return part("scene.pins").PhotoSpace(head).seen([head.matrix_world.inverted() @ pin.matrix_world.translation])[0]


def _move(part, head, pin, column: float, row: float) -> np.ndarray:
    """Move a pin over the photo; where it is then."""
    space = part("scene.pins").PhotoSpace(head)
    place = _seen(part, head, pin) + np.array([column, row, 0])
    pin.location = space.places(place[None])[0].tolist()
    return _seen(part, head, pin)[:2]


def test_pins_lie_over_the_face_wherever_the_head_was_put(part, head):
    head.location, head.rotation_euler = (1, 2, 3), (0, 0, 1)
    bpy.context.view_layer.update()
    assert bpy.ops.likeness.edit_pins() == {"FINISHED"}
    pins, wire = _pins(part), next(item for item in head.children if item.type == "MESH")
    bpy.context.view_layer.update()
    assert set(pins) == {"Nose Tip", "Chin"} and bpy.context.object == head
    # The stub's face is the head itself.
    apart = [
        (wire.matrix_world @ a.co - head.matrix_world @ b.co).length for a, b in zip(wire.data.vertices, head.data.vertices, strict=True)
    ]
    assert max(apart) < 1e-4
    nose = min((head.matrix_world @ vertex.co - pins["Nose Tip"].matrix_world.translation).length for vertex in head.data.vertices)
    assert nose < 0.006


def test_a_moved_pin_counts_a_still_one_does_not_unless_it_is_locked(part, head):
    bpy.ops.likeness.edit_pins()
    pins, current = _pins(part), part("scene.pins").current_pins
    collection = part("scene.members").collection_of(head)
    assert current(head, collection) == []
    at = _move(part, head, pins["Nose Tip"], 20, -5)
    (found,) = current(head, collection)
    assert found.landmark == "Nose Tip" and found.at == pytest.approx(at, abs=0.01)
    pins["Chin"].select_set(True)
    bpy.ops.likeness.lock_pins()
    assert {pin.landmark for pin in current(head, collection)} == {"Nose Tip", "Chin"} and all(pins["Chin"].lock_location)
    bpy.ops.likeness.lock_pins(locked=False)
    assert len(current(head, collection)) == 1


def test_the_wire_follows_a_pin(part, head):
    bpy.ops.likeness.edit_pins()
    pins, live = _pins(part), part("operators.pins_live")
    wire = next(item for item in head.children if item.type == "MESH")
    before = np.array([vertex.co for vertex in wire.data.vertices])
    _move(part, head, pins["Nose Tip"], 20, 0)
    assert live._wanted, "Blender has told that a pin moved"
    for _ in range(200):
        if live._tick() is None:
            break
        live.time.sleep(0.02)
    space = part("scene.pins").PhotoSpace(head)
    after = np.array([vertex.co for vertex in wire.data.vertices])
    moved = space.seen(after)[:, :2] - space.seen(before)[:, :2]
    assert moved == pytest.approx(np.tile([20, 0], (len(moved), 1)), abs=0.05)


def test_pins_are_applied_in_place_and_known_the_next_time(part, head):
    bpy.ops.likeness.edit_pins()
    at = _move(part, head, _pins(part)["Nose Tip"], 20, -5)
    objects = len(bpy.data.objects) - 3
    assert bpy.ops.likeness.apply_pins() == {"FINISHED"}
    assert len(bpy.data.objects) == objects and bpy.context.object == head, "the same head, no pins and no wire"
    told = json.loads(bytes.fromhex(json.loads(head["likeness_report"])["told"]["pins"]))
    assert told == {"pins": [{"at": pytest.approx(list(at), abs=0.01), "landmark": "Nose Tip"}]}
    bpy.ops.likeness.edit_pins()
    pin = _pins(part)["Nose Tip"]
    assert _seen(part, head, pin)[:2] == pytest.approx(at, abs=0.1)
    assert len(part("scene.pins").current_pins(head, part("scene.members").collection_of(head))) == 1
    bpy.ops.likeness.cancel_pins()
    assert len(bpy.data.objects) == objects and not bpy.ops.likeness.apply_pins.poll()


def test_a_pin_can_be_put_anywhere_on_the_face(part, head):
    bpy.ops.likeness.edit_pins()
    cheek = max(head.data.vertices, key=lambda vertex: vertex.co.x - vertex.co.y)
    bpy.context.scene.cursor.location = head.matrix_world @ cheek.co
    bpy.ops.likeness.add_pin()
    pin = bpy.context.object
    at = _move(part, head, pin, 4, 4)
    (found,) = part("scene.pins").current_pins(head, part("scene.members").collection_of(head))
    assert not found.landmark and found.at == pytest.approx(at, abs=0.01)
    assert np.subtract(found.at, found.origin) == pytest.approx([4, 4], abs=0.1)


def test_pins_of_a_foreign_file_are_left_out(part, head):
    bpy.ops.likeness.edit_pins()
    for number, pin in enumerate(_pins(part).values()):
        pin["likeness_pin"] = ["{", '{"landmark": 3, "start": [0, 0]}'][number]
    assert part("scene.pins").current_pins(head, part("scene.members").collection_of(head)) == []


def test_the_mask_is_painted_over_the_photo_and_applied(part, head):
    before = len(bpy.data.objects), len(bpy.data.images), len(bpy.data.materials)
    assert bpy.ops.likeness.paint_mask() == {"FINISHED"}
    plane = bpy.context.object
    assert bpy.context.mode == "PAINT_TEXTURE" and plane.parent.type == "CAMERA"
    image = plane["likeness_mask"]
    mask = part("scene.photo").pixels(image)[..., 0]
    assert mask.shape == (96, 128) and mask[50, 10] == 255 and mask[50, 100] == 0
    values = np.array(image.pixels[:]).reshape(96, 128, 4)
    values[:, 100:, :3] = 1.0  # as a brush would
    image.pixels[:] = values.ravel().tolist()
    assert bpy.ops.likeness.apply_mask() == {"FINISHED"}
    assert (len(bpy.data.objects), len(bpy.data.images), len(bpy.data.materials)) == before and bpy.context.mode == "OBJECT"
    data = bytes.fromhex(json.loads(head["likeness_report"])["told"]["mask"])
    assert data[:4] == b"\x89PNG" and data != part("scene.photo").png_bytes(np.zeros((96, 128, 4), np.uint8))


def test_pins_and_mask_are_kept_beside_each_other(part, head):
    bpy.ops.likeness.paint_mask()
    image = bpy.context.object["likeness_mask"]
    values = np.array(image.pixels[:]).reshape(96, 128, 4)
    values[:20, :, :3] = 1.0
    image.pixels[:] = values.ravel().tolist()
    bpy.ops.likeness.apply_mask()
    mask = json.loads(head["likeness_report"])["told"]["mask"]
    bpy.ops.likeness.edit_pins()
    _move(part, head, _pins(part)["Nose Tip"], 20, -5)
    bpy.ops.likeness.apply_pins()
    told = json.loads(head["likeness_report"])["told"]
    assert told["mask"] == mask and "Nose Tip" in bytes.fromhex(told["pins"]).decode()
    bpy.ops.likeness.paint_mask()
    again = part("scene.photo").pixels(bpy.context.object["likeness_mask"])[..., 0]
    assert (again[-20:] == 255).all() and (again[:76, 64:] == 0).all(), "it goes on from the painted mask"
    bpy.ops.likeness.apply_mask()
    assert json.loads(head["likeness_report"])["told"].keys() == {"pins", "mask"}
    head["likeness_painted_mask"] = "no mask"
    bpy.ops.likeness.edit_pins()
    assert bpy.ops.likeness.apply_pins() == {"FINISHED"}


def test_the_masks_plane_lies_over_the_photo(part, head):
    bpy.ops.likeness.paint_mask()
    plane, camera = bpy.context.object, bpy.context.scene.camera
    from bpy_extras.object_utils import world_to_camera_view

    bpy.context.view_layer.update()
    assert all(face.normal.z > 0.99 for face in plane.data.polygons), "a brush paints nothing on what faces away from the camera"
    uv = {loop.vertex_index: plane.data.uv_layers[0].data[loop.index].uv for loop in plane.data.loops}
    for index, vertex in enumerate(plane.data.vertices):
        seen = world_to_camera_view(bpy.context.scene, camera, plane.matrix_world @ vertex.co)
        assert seen[:2] == pytest.approx(uv[index][:], abs=1e-3)
    bpy.ops.likeness.cancel_mask()
    assert bpy.context.mode == "OBJECT" and not any("likeness_mask" in item for item in bpy.data.objects)


def test_people_are_found_and_chosen(part, tmp_path, layout):
    path = tmp_path / "pair.png"
    path.write_bytes(part("scene.photo").png_bytes(np.full((8, 8, 4), 200, np.uint8)))
    bpy.ops.likeness.load_photo(filepath=str(path))
    assert bpy.ops.likeness.find_people() == {"FINISHED"}
    properties, panel = bpy.context.scene.likeness, part("panels.correct").LIKENESS_PT_correct
    assert len(part("operators.thumbnails").numbers()) == 2
    bpy.ops.likeness.choose_person(person=1)
    assert properties.subject_index == 1 and properties.settings().subject_index == 1
    drawn = SimpleNamespace(layout=layout)
    drawn._of_result = lambda context: panel._of_result(drawn, context)
    panel.draw(drawn, bpy.context)
    assert [name for name, _, _ in layout.calls].count("template_icon") == 2
    assert any("EXIF 50 mm" in str(options.get("text")) for _, _, options in layout.calls)
    bpy.ops.likeness.choose_person(person=1)
    assert properties.subject_index == -1


def test_the_panel_offers_what_can_be_done(part, head, layout):
    panel = part("panels.correct").LIKENESS_PT_correct
    drawn = SimpleNamespace(layout=layout)
    drawn._of_result = lambda context: panel._of_result(drawn, context)

    def offered() -> set[str]:
        layout.calls.clear()
        panel.draw(drawn, bpy.context)
        return {arguments[0] for name, arguments, _ in layout.calls if name == "operator"}

    assert {"likeness.edit_pins", "likeness.paint_mask"} <= offered()
    bpy.ops.likeness.edit_pins()
    assert {"likeness.apply_pins", "likeness.add_pin"} <= offered() and "likeness.edit_pins" not in offered()
