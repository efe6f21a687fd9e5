"""A result in the place of an earlier one: the same objects, where the artist has put them, with new meshes and cameras."""

from typing import Any, NamedTuple, Self

import bpy
from mathutils import Matrix

from ..core.result import Result
from .build import CAMERA, PROPERTY_PREFIX, build_result
from .members import keep_members, members, remove_empty_children, remove_objects
from .rig import linked_object
from .typed import scene_of, view_layer_of
from .views import PHOTOS, photos_of


def replace_result(context: bpy.types.Context, collection: bpy.types.Collection, result: Result) -> bpy.types.Collection:
    """Put a result in the place of the one that a collection holds: its head and its camera stay the same objects, with what the
    artist has added to them. A former rig goes. A new collection if the earlier head is gone.

    Raises AssetError, before anything is changed."""
    former = members(collection)
    head = next((item for item in former if item.type == "MESH" and photos_of(item)), None)
    if head is None:
        return build_result(context, result)
    camera, offset = linked_object(head, CAMERA, "CAMERA"), _place(head)
    shown, photos = scene_of(context).camera, photos_of(head)
    made = build_result(context, result)
    fresh = members(made)
    new_head = next(item for item in fresh if item.type == "MESH" and PHOTOS in item)
    new_camera = linked_object(new_head, CAMERA, "CAMERA")
    remove_objects([item for item in former if item not in (head, camera) and (item.type != "EMPTY" or item.parent != head)])
    remove_empty_children(collection)
    for child in list(made.children):
        made.children.unlink(child)
        collection.children.link(child)
    looks = _Looks.of(context, new_head)
    _take_over(head, new_head)
    if new_head.parent is None:
        head.parent = None
        head.matrix_world = offset
    if camera is not None and new_camera is not None:
        place = offset @ new_camera.matrix_world
        _take_over(camera, new_camera)
        camera.matrix_world = place
    for item in [item for item in fresh if item not in (new_head, new_camera)]:
        if item.name not in made.objects:
            continue
        made.objects.unlink(item)
        collection.objects.link(item)
        if item.parent is None:
            item.matrix_world = offset @ item.matrix_world
    looks.give(context, head)
    stay = [item for item in fresh if item != new_head and (item != new_camera or camera is None)]
    remove_objects([item for item in (new_head, new_camera) if item is not None and item not in stay])
    bpy.data.collections.remove(made)
    bpy.data.batch_remove([photo for photo in photos if photo.users == 0])
    if shown is not None and scene_of(context).camera is None:
        scene_of(context).camera = camera
    keep_members(collection, [head, *([camera] if camera is not None else []), *stay])
    return collection


def _place(head: bpy.types.Object) -> Matrix:
    """Where the artist has put the result: the head, or the rig that it hangs on."""
    return (head.parent or head).matrix_world.copy()


def _take_over(old: bpy.types.Object, new: bpy.types.Object) -> None:
    """The old object gets what the new one has: data, properties, parent, and its place in whatever points to the new one."""
    data, materials = old.data, [slot.material for slot in old.material_slots]
    name = data.name if data is not None else ""
    old.data = new.data
    for key in [key for key in old.keys() if key.startswith(PROPERTY_PREFIX)]:  # noqa: SIM118 - an ID is no dict
        del old[key]
    for key in [key for key in new.keys() if key.startswith(PROPERTY_PREFIX)]:  # noqa: SIM118
        old[key] = new[key]
    if new.parent is not None:
        old.parent, old.matrix_parent_inverse = new.parent, new.matrix_parent_inverse.copy()
        old.matrix_basis = new.matrix_basis.copy()
    for modifier in new.modifiers:
        if modifier.type == "ARMATURE" and modifier.name not in old.modifiers:
            added: Any = old.modifiers.new(modifier.name, modifier.type)
            added.object = modifier.object  # pyright: ignore[reportAttributeAccessIssue]
    new.user_remap(old)
    for block in (data, *materials):
        if block is not None and block.users == 0:
            bpy.data.batch_remove([block])
    if old.data is not None:
        old.data.name = name


class _Looks(NamedTuple):
    """Whether an object is hidden, in views and in renders, selected and active."""

    hidden: bool
    hidden_in_renders: bool
    selected: bool
    active: bool

    @classmethod
    def of(cls, context: bpy.types.Context, item: bpy.types.Object) -> Self:
        """An object's own."""
        layer = view_layer_of(context)
        hidden, selected = item.hide_get(view_layer=layer), item.select_get(view_layer=layer)
        return cls(hidden, item.hide_render, selected, layer.objects.active == item)

    def give(self, context: bpy.types.Context, item: bpy.types.Object) -> None:
        """To another object, if it is in the view layer."""
        layer = view_layer_of(context)
        item.hide_render = self.hidden_in_renders
        if item.name in layer.objects:
            item.hide_set(self.hidden, view_layer=layer)
            item.select_set(self.selected, view_layer=layer)
            if self.active:
                layer.objects.active = item
