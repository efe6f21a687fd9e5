"""Linear blend skinning with a tree of joints. numpy only, so that Blender's process can use it."""

import numpy as np

from .rotation import rotation_matrix


def joint_transforms(joints: np.ndarray, parents: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linear parts (J, 3, 3) and offsets (J, 3) that move rest points with each joint.

    joints (J, 3): places at rest; parents (J,): each before its children, -1 for the first, which turns about the origin;
    rotations (J, 3): rotation vectors relative to the parents.
    """
    local = rotation_matrix(rotations)
    linear, offset = np.empty((len(joints), 3, 3)), np.zeros((len(joints), 3))
    linear[0] = local[0]
    for joint in range(1, len(joints)):
        parent = parents[joint]
        linear[joint] = linear[parent] @ local[joint]
        offset[joint] = linear[parent] @ joints[joint] + offset[parent] - linear[joint] @ joints[joint]
    return linear, offset


def blended(weights: np.ndarray, linear: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The joints' maps blended by weights (V, J): linear parts (V, 3, 3) and offsets (V, 3) of each vertex."""
    # Blend the affine maps first: one (V, 12) product instead of a pass over the vertices for each joint.
    maps = np.concatenate([linear, offset[..., None]], axis=2).astype(weights.dtype).reshape(len(linear), 12)
    each = (weights @ maps).reshape(-1, 3, 4)
    return each[..., :3], each[..., 3]


def skin(vertices: np.ndarray, weights: np.ndarray, linear: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Rest vertices (V, 3) moved by the joints' linear parts and offsets, blended by weights (V, J)."""
    turn, shift = blended(weights, linear, offset)
    return np.einsum("vab,vb->va", turn, vertices) + shift
