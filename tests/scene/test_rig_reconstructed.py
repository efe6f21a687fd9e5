"""The reconstructed head follows the rig, and data goes both ways between the two heads."""

import bpy
import numpy as np
import pytest


@pytest.fixture
def reconstructed_part(part):
    return part("scene.reconstructed")


@pytest.fixture
def armature(part, rigged_result):
    part("scene.build").build_result(bpy.context, rigged_result)
    return part("scene.rig").rig_of(bpy.context.object)


@pytest.fixture
def heads(part, armature):
    """(reconstructed, rigged): the vertices of the first are the first ones of the second."""
    rig = part("scene.rig")
    return rig.head_of(armature, rig.RECONSTRUCTED), rig.head_of(armature)


@pytest.fixture
def apart(evaluated, heads):
    """apart() is the largest distance in metres between what should be at one place."""

    def distance() -> float:
        for head in heads:
            head.hide_set(False)  # hidden objects are not evaluated
        reconstructed, rigged = (evaluated(head) for head in heads)
        return float(np.abs(reconstructed - rigged[: len(reconstructed)]).max())

    return distance


def _animate(armature, head) -> None:
    head.data.shape_keys.key_blocks["mouthSmileLeft"].value = 0.9
    armature.pose.bones["jaw"].rotation_euler.x = 0.25
    armature.pose.bones["head"].rotation_quaternion = (0.98, 0.1, 0.15, 0.05)


def test_bound_head_follows_bones_and_shapes(part, reconstructed_part, armature, heads, apart):
    _animate(armature, heads[1])
    assert heads[0].hide_get()
    reconstructed_part.bind_reconstructed(bpy.context, armature)
    assert reconstructed_part.is_bound(armature) and heads[0].hide_get()
    assert apart() < 1e-4, "bound in the photo's pose, whatever the pose is now"
    part("scene.rig").set_pose(armature, photo=False)
    assert apart() < 1e-4


def test_binding_keeps_pose_shapes_and_gaze(part, reconstructed_part, armature, heads, evaluated):
    _animate(armature, heads[1])
    armature[part("scene.armature").LOOK_AT] = 0.5
    before = evaluated(heads[1])
    reconstructed_part.bind_reconstructed(bpy.context, armature)
    assert armature[part("scene.armature").LOOK_AT] == 0.5
    assert np.abs(evaluated(heads[1]) - before).max() < 1e-6


def test_unbound_head_is_the_reconstruction_again(part, reconstructed_part, armature, heads, evaluated, rigged_result):
    reconstructed_part.bind_reconstructed(bpy.context, armature)
    part("scene.rig").set_pose(armature, photo=False)
    reconstructed_part.unbind_reconstructed(armature)
    assert not reconstructed_part.is_bound(armature) and not heads[0].modifiers
    assert np.abs(evaluated(heads[0]) - rigged_result.surface.vertices).max() < 1e-5


def test_both_heads_move_with_the_rig_object(reconstructed_part, armature, heads, apart, evaluated):
    reconstructed_part.bind_reconstructed(bpy.context, armature)
    armature.location.x = 2
    assert apart() < 1e-4
    assert all(head.matrix_world.translation.x == 2 for head in heads)


@pytest.mark.parametrize("kind", ["COLOR_VERTEX", "VGROUP_WEIGHTS"])
def test_data_goes_to_the_other_head_and_back(reconstructed_part, armature, heads, kind):
    reconstructed, rigged = heads
    count = len(reconstructed.data.vertices)
    names = [attribute.name for attribute in reconstructed.data.color_attributes]
    if kind == "VGROUP_WEIGHTS":
        reconstructed_part.transfer_data(bpy.context, armature, kind, to_reconstructed=True)
        source, target = _weights(rigged, "jaw")[:count], _weights(reconstructed, "jaw")
    else:
        reconstructed_part.transfer_data(bpy.context, armature, kind, to_reconstructed=False)
        source, target = _colours(reconstructed), _colours(rigged)[:count]
        assert [attribute.name for attribute in rigged.data.color_attributes] == names
        assert rigged.data.color_attributes.active_color
    # The lips and lids touch, so that a few places find a neighbour.
    assert np.percentile(np.abs(source - target), 95) < 0.02
    assert not reconstructed_part.is_bound(armature)


def _weights(item: bpy.types.Object, name: str) -> np.ndarray:
    index, values = item.vertex_groups[name].index, np.zeros(len(item.data.vertices))
    for vertex in item.data.vertices:
        for group in vertex.groups:
            if group.group == index:
                values[vertex.index] = group.weight
    return values


def _colours(item: bpy.types.Object) -> np.ndarray:
    values = np.empty(4 * len(item.data.vertices), np.float32)
    item.data.color_attributes["Colour"].data.foreach_get("color_srgb", values)
    return values.reshape(-1, 4)


def test_lost_head_is_one_sentence(part, reconstructed_part, armature, heads):
    bpy.data.objects.remove(heads[0])
    for action in (
        lambda: reconstructed_part.bind_reconstructed(bpy.context, armature),
        lambda: reconstructed_part.transfer_data(bpy.context, armature, "COLOR_VERTEX", True),
    ):
        with pytest.raises(part("core.errors").ReconstructionError, match="lost one of its heads"):
            action()
    assert not reconstructed_part.is_bound(armature)
