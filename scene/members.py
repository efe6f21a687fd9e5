"""Which objects a result consists of, kept on its collection, so that all of it can be selected, hidden or removed later.

Pointers are kept, not names: what the artist renames stays a member, and copies do not become members.
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

import bpy
from idprop.types import IDPropertyGroup

_MEMBERS = "likeness_members"


def keep_members(collection: bpy.types.Collection, items: Iterable[bpy.types.Object]) -> None:
    """Write that these objects, beside those that are known, are parts of the collection's result."""
    known = [*members(collection)]
    known += [item for item in items if item not in known]
    collection[_MEMBERS] = {str(number): item for number, item in enumerate(known)}


def members(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """The objects of a collection's result that are still in a scene; none for any other collection."""
    group = collection.get(_MEMBERS)
    if not isinstance(group, IDPropertyGroup):
        return []
    found = cast(dict[str, Any], group.to_dict()).values()
    return [item for item in found if isinstance(item, bpy.types.Object) and item.users_scene]


def collection_of(item: bpy.types.Object | None) -> bpy.types.Collection | None:
    """The collection of the result that an object is a part of, wherever the object is linked by now."""
    if item is None:
        return None
    return next((collection for collection in bpy.data.collections if item in members(collection)), None)


def remove_result(collection: bpy.types.Collection) -> list[str]:
    """Remove a result's objects with their data and pictures that nothing else uses, and its collection if that is empty then; the
    artist's own objects in it stay. Gives the names of the objects removed."""
    names = [item.name for item in members(collection)]
    remove_objects(members(collection))
    remove_empty_children(collection)
    if not collection.objects and not collection.children:
        bpy.data.collections.remove(collection)
    return names


def remove_objects(items: Iterable[bpy.types.Object]) -> None:
    """Remove objects with their data, materials and pictures that nothing else uses."""
    used = []
    for item in items:
        used += [item.data, *_materials(item)]
        bpy.data.objects.remove(item)
    images = [image for one in used for image in _images(one)]
    for block in dict.fromkeys([*used, *images]):  # the users of others first
        if block is not None and block.users == 0:
            bpy.data.batch_remove([block])


def remove_empty_children(collection: bpy.types.Collection) -> None:
    """Remove collections below one that have nothing in them any more."""
    for child in list(collection.children):
        if not child.objects and not child.children:
            bpy.data.collections.remove(child)


def _materials(item: bpy.types.Object) -> list[bpy.types.Material]:
    return [slot.material for slot in item.material_slots if slot.material is not None]


def _images(block: Any) -> Iterator[bpy.types.Image]:
    """Of a material, and the background of a camera."""
    if isinstance(block, bpy.types.Material) and block.node_tree is not None:
        yield from (node.image for node in block.node_tree.nodes if isinstance(node, bpy.types.ShaderNodeTexImage) and node.image)
    if isinstance(block, bpy.types.Camera):
        yield from (background.image for background in block.background_images if background.image is not None)
