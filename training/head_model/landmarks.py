"""MediaPipe's and iBUG's landmarks as points on the model's triangles.

`landmarks.npz` holds, for the 468 points: base-mesh vertex ids `triangle` (468, 3) and `barycentric` (468, 3), found by running the
detector on renders of random anny heads and projecting its points back on the mesh; `partner` (468,) the point on the other side;
`bias` (468, 3), metres in the model frame, the detector's mean offset from them, and `deviation` (468,), metres, its scatter.
"""

from pathlib import Path

import numpy as np

from likeness.core.geometry.closest import closest_on_triangles

from .topology import Bust

_USUAL_DEVIATION = 0.002
IBUG68 = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""MediaPipe point nearest to each of the 68 points of iBUG 300-W, in their order."""


def place_landmarks(bust: Bust, quads: np.ndarray, template: np.ndarray) -> dict[str, np.ndarray]:
    """The landmark arrays of the head model. template (N, 3): the base mesh that landmarks.npz refers to."""
    with np.load(Path(__file__).with_name("landmarks.npz"), allow_pickle=False) as data:
        triangle, barycentric, bias, deviation = (data[name] for name in ("triangle", "barycentric", "bias", "deviation"))
    points = np.einsum("nic,ni->nc", template[triangle], barycentric)
    vertices = bust.matrix @ template
    faces, weights = [], []
    for ids, point in zip(triangle, points, strict=True):
        # Stay in the landmark's own quad: the closest triangle at large could be the other lip or lid.
        quad = np.flatnonzero([len(np.intersect1d(ids, quad)) == 3 for quad in quads[bust.face_quad]])
        candidate = closest_on_triangles(np.repeat(point[None], len(quad), 0), vertices[bust.faces[quad]])
        offset = point - np.einsum("nic,ni->nc", vertices[bust.faces[quad]], candidate)
        best = int(np.linalg.norm(offset, axis=1).argmin())
        faces.append(quad[best])
        weights.append(candidate[best])
    trust = np.clip((_USUAL_DEVIATION / deviation) ** 2, 0.1, 2.0)
    faces, weights = np.array(faces), np.array(weights)
    return {
        "landmark_faces": faces,
        "landmark_barycentric": weights,
        "landmark_bias": bias,
        "landmark_weight": trust,
        "landmark68_faces": faces[list(IBUG68)],
        "landmark68_barycentric": weights[list(IBUG68)],
    }
