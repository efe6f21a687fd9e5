"""What operators on a result share: the active object is a part of one."""

import bpy

from ..core.errors import InputError
from ..scene.members import collection_of
from ..scene.source import heads_of
from ..scene.views import photos_of
from .base import LikenessOperator


class ResultOperator(LikenessOperator):
    """Mixin of operators on the result that the active object is a part of."""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if not heads_of(context.object):
            return "Select a reconstructed head or body"
        if context.mode != "OBJECT":
            return "Go back to object mode"
        return super().refusal(context)


def active_head(context: bpy.types.Context) -> bpy.types.Object:
    """The head or body of the active result: the active object itself if it is one, else the one that is seen."""
    heads = heads_of(context.object)
    if not heads:
        raise InputError("The head has gone meanwhile; select one and try again.")
    return next((head for head in heads if head == context.object), next((head for head in heads if head.visible_get()), heads[0]))


def photo_head(context: bpy.types.Context) -> bpy.types.Object:
    """The reconstructed one of the active result's heads, which has the photo. Raises InputError."""
    head = next((head for head in heads_of(context.object) if photos_of(head)), None)
    if head is None:
        raise InputError("This result has lost its photo; reconstruct the photo again.")
    return head


def active_collection(context: bpy.types.Context) -> bpy.types.Collection:
    """The collection of the active result. Raises InputError for results of blend files that do not tell."""
    collection = collection_of(context.object) or next(filter(None, map(collection_of, heads_of(context.object))), None)
    if collection is None:
        raise InputError("The parts of this result are not known, as it was made by an older version; work on its objects one by one.")
    return collection
