"""Turns a registered skin into the person's neutral one: it removes the pose, then the expression, and keeps the person's shape."""

import numpy as np

from ..models.rotation import nearest_rotation
from .blendshapes import BlendshapeTransfer, face_changes
from .refine_fit import PlacedHead
from .template import Template

_ROUNDS = 3


def unpose(head: PlacedHead, registered: np.ndarray) -> np.ndarray:
    """The neutral skin (Vs, 3), relative to the neck joint, behind registered vertices (Vs, 3) that lie near the head's posed skin.

    With the keys of BlendshapeTransfer on it, the head's expression and its pose, it gives back the registered skin.
    """
    faces = Template.of(head.model).faces
    linear, offset = head.maps()
    unposed = np.linalg.solve(linear.astype(np.float64), (registered - offset)[..., None])[..., 0]
    expression = head.parameters.expression
    neutral, shaped = head.rest(np.zeros_like(expression)), head.rest()
    # What the surface adds to the model turns back with the skin around it.
    frames = _turns(neutral, shaped, faces)
    vertices = neutral + np.einsum("vba,vb->va", frames, unposed - shaped)
    for _ in range(_ROUNDS):
        missing = unposed - vertices - BlendshapeTransfer(head.model, vertices).combined(expression)
        vertices = vertices + np.einsum("vba,vb->va", frames, missing)
    return vertices


def _turns(before: np.ndarray, after: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3, 3): the rotation of each vertex's surroundings from one skin to another."""
    changes = face_changes(before, after, faces).transpose(0, 2, 1) + np.eye(3)
    summed = np.zeros((len(before), 3, 3))
    np.add.at(summed, faces.ravel(), np.repeat(changes, 3, axis=0))
    return nearest_rotation(summed)
