"""Rotations as vectors (axis times angle, radians) and matrices that act on column vectors."""

import numpy as np


def rotation_matrix(vectors: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) of rotation vectors (..., 3), by Rodrigues' formula."""
    vectors = np.asarray(vectors, np.float64)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross = skew(vectors)
    # sin(a)/a and (1 - cos(a))/a^2 through sinc, which is exact at zero.
    first = np.sinc(angle / np.pi)
    second = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.eye(3) + first * cross + second * (cross @ cross)


def rotation_vector(matrices: np.ndarray) -> np.ndarray:
    """Rotation vectors (..., 3) with angles in [0, pi] of matrices (..., 3, 3)."""
    flat = np.asarray(matrices, np.float64).reshape(-1, 3, 3)
    vectors = np.empty((len(flat), 3))
    for index, matrix in enumerate(flat):
        # The quaternion matrix's leading eigenvector is stable at every angle, pi included (Bar-Itzhack 2000).
        (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = matrix
        profile = np.array(
            [
                [xx - yy - zz, yx + xy, zx + xz, zy - yz],
                [yx + xy, yy - xx - zz, zy + yz, xz - zx],
                [zx + xz, zy + yz, zz - xx - yy, yx - xy],
                [zy - yz, xz - zx, yx - xy, xx + yy + zz],
            ]
        )
        quaternion = np.linalg.eigh(profile)[1][:, -1]
        quaternion *= 1 if quaternion[3] >= 0 else -1
        sine = np.linalg.norm(quaternion[:3])
        vectors[index] = quaternion[:3] * (2 * np.arctan2(sine, quaternion[3]) / sine if sine > 1e-12 else 2)
    return vectors.reshape(np.shape(matrices)[:-1])


def nearest_rotation(matrices: np.ndarray) -> np.ndarray:
    """The rotations (..., 3, 3) nearest to matrices (..., 3, 3), such as sums of products of two sets of points (Kabsch 1976)."""
    left, _, right = np.linalg.svd(matrices)
    left[..., :, 2] *= np.sign(np.linalg.det(left @ right))[..., None]
    return left @ right


def smallest_turn(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The rotation matrix (3, 3) that brings one direction (3,) to another by the shortest way; for opposite ones, which have none, a half
    turn about some axis across."""
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    axis, cosine = np.cross(first, second), float(first @ second)
    sine = np.linalg.norm(axis)
    if sine < 1e-9:
        across = np.linalg.svd(first[None])[2][1]
        return np.eye(3) if cosine > 0 else rotation_matrix(np.pi * across)
    return rotation_matrix(axis / sine * np.arctan2(sine, cosine))


def skew(vectors: np.ndarray) -> np.ndarray:
    """Cross-product matrices (..., 3, 3): skew(a) @ b is a x b."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    zero = np.zeros_like(x)
    return np.stack(
        [
            np.stack([zero, -z, y], -1),
            np.stack([z, zero, -x], -1),
            np.stack([-y, x, zero], -1),
        ],
        -2,
    )
