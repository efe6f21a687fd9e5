"""Write real portraits for the parsing network: `python -m likeness.training.parsing.real --teachers FOLDER --list FILE --output FOLDER`.

The teachers' files (one .npz a photo) hold `image`, mattes `rvm` and `u2`, the person's colours `fgr` (all uint8) and `landmarks` (468, 3).
Written for each: `picture`, `person` (colours without background), JPEG; `coverage`, `weight` (where the teachers agree), `label`, PNG,
over the square around the head; `scene`, JPEG: the whole photo with the person filled in from around. UNKNOWN labels what nobody knows.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from ...core.photo.faces import Face
from ...core.photo.landmarks import MEDIAPIPE
from ...core.photo.matte import REGION_CENTRE_Y, metres_per_pixel
from ...core.photo.parsing import CLASSES
from .drawn import HALF

SIZE = 512
UNKNOWN = 255
_DISAGREE, _THICK = 0.25, 5
_CHIN, _FOREHEAD = 152, 10
_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132,
    93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_MOUTH = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
_BROWS = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (300, 293, 334, 296, 336, 285, 295, 282, 283, 276))


def agreement(rvm: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(H, W) float32, 1 where two mattes in [0, 1] tell the same, 0 where they differ over more than an edge's width."""
    differ = (np.abs(rvm - other) > _DISAGREE).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_THICK, _THICK))
    return 1 - cv2.dilate(cv2.morphologyEx(differ, cv2.MORPH_OPEN, kernel), kernel, iterations=2).astype(np.float32)


def weak_labels(points: np.ndarray, coverage: np.ndarray, tags: set[str]) -> np.ndarray:
    """(S, S) uint8 classes that landmarks (468, 2) in its pixels and words about the person make sure of; UNKNOWN elsewhere."""
    size = len(coverage)
    label = np.full((size, size), UNKNOWN, np.uint8)
    face = float(points[_CHIN, 1] - points[_FOREHEAD, 1])

    def area(ids: tuple[int, ...], grow: float = 0.0) -> np.ndarray:
        mask = np.zeros((size, size), np.uint8)
        cv2.fillPoly(mask, [np.round(points[list(ids), :2] * 16).astype(np.int32)], (1,), shift=4)
        radius = max(1, round(abs(grow) * face))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        change = cv2.dilate if grow > 0 else cv2.erode
        return (change(mask, kernel) if grow else mask) > 0

    rows, columns = np.mgrid[:size, :size]
    sure, chin = coverage > 0.97, points[_CHIN]
    below = rows > chin[1] + 0.75 * face
    if "short" in tags or "bald" in tags or "M" in tags:
        label[sure & below & (np.abs(columns - chin[0]) > 0.55 * face)] = CLASSES.index("clothes")
    above = (rows < points[_FOREHEAD, 1] - 0.14 * face) & (rows > points[_FOREHEAD, 1] - 0.6 * face)
    if not tags & {"bald", "covered", "hat"}:
        label[sure & above & (np.abs(columns - points[_FOREHEAD, 0]) < 0.25 * face)] = CLASSES.index("hair")
    skin = area(_OVAL, -0.06) & (rows > points[[66, 296], 1].mean() - 0.02 * face)
    hair = area(_LIPS, 0.06) | area(_BROWS[0], 0.04) | area(_BROWS[1], 0.04) | area(_EYES[0], 0.05) | area(_EYES[1], 0.05)
    if tags & {"beard", "moustache"}:
        skin &= rows < points[[50, 280], 1].mean()
    if "glasses" in tags:
        skin &= rows > points[[117, 346], 1].mean() + 0.1 * face
    label[skin & ~hair] = CLASSES.index("skin")
    if "sunglasses" not in tags:
        for eye, brow in zip(_EYES, _BROWS, strict=True):
            label[area(brow, -0.004)] = CLASSES.index("beard")
            label[area(eye, -0.004)] = CLASSES.index("eyes")
    label[area(_LIPS, -0.008)] = CLASSES.index("lips")
    open_by = float(np.linalg.norm(points[13, :2] - points[14, :2])) / face
    inside = area(_MOUTH, 0.008)
    label[inside] = UNKNOWN
    if open_by > 0.04:
        label[area(_MOUTH, -0.008)] = CLASSES.index("teeth")
    label[coverage < 0.9] = UNKNOWN
    return label


def filled(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The photo with its person replaced by what lies around, from coarse to fine (push-pull, Gortler et al. 1996)."""
    away = cv2.dilate((matte > 0.02).astype(np.uint8), np.ones((13, 13), np.uint8))
    weight = (1 - away).astype(np.float32)
    levels = [(image * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2:
        levels.append(tuple(cv2.pyrDown(part) for part in levels[-1]))  # pyright: ignore[reportArgumentType]
    result = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    for colour, share in reversed(levels[:-1]):
        coarse = cv2.pyrUp(result, dstsize=(share.shape[1], share.shape[0]))
        result = colour + coarse * (1 - np.minimum(share, 1))[..., None] if share is weight else np.where(
            share[..., None] > 0.05, colour / np.maximum(share, 1e-6)[..., None], coarse)  # fmt: skip
    return np.clip(result, 0, 255).astype(np.uint8)


def portrait(data: dict[str, np.ndarray], tags: set[str]) -> dict[str, np.ndarray]:
    """Encoded pictures of one photo."""
    face = Face({MEDIAPIPE: data["landmarks"]}, 1)
    rvm, other = data["rvm"] / np.float32(255), data["u2"] / np.float32(255)
    scale = 1 / metres_per_pixel(face)
    eyes = (data["landmarks"][263, :2] + data["landmarks"][33, :2]) / 2
    step = 2 * HALF * scale / SIZE
    corner = eyes - [HALF * scale, (HALF + REGION_CENTRE_Y) * scale]
    matrix = np.array([[step, 0, corner[0] + 0.5 * step - 0.5], [0, step, corner[1] + 0.5 * step - 0.5]])

    def cut(picture: np.ndarray, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        if step > 1.5:
            picture = cv2.GaussianBlur(picture, (0, 0), step / 3)
        return cv2.warpAffine(picture, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=border)

    weight = cut(agreement(rvm, other), cv2.BORDER_CONSTANT)
    coverage = cut(rvm).clip(0, 1)
    person = np.where((data["rvm"] > 242)[..., None], data["image"], data["fgr"])
    label = weak_labels((data["landmarks"][:, :2] - corner) / step, coverage, tags)
    label[weight < 0.99] = UNKNOWN
    byte = lambda values: (values * 255).round().astype(np.uint8)  # noqa: E731
    jpeg = lambda picture: cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), [1, 95])[1]  # noqa: E731
    png = lambda picture: cv2.imencode(".png", picture)[1]  # noqa: E731
    return {
        "picture": jpeg(cut(data["image"])), "person": jpeg(cut(person)), "coverage": png(byte(coverage)), "weight": png(byte(weight)),
        "label": png(label), "scene": jpeg(filled(data["image"], np.maximum(rvm, other))), "photo": jpeg(data["image"]),
    }  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--list", type=Path, required=True, help="licences.csv of the photos, whose tags are read")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    arguments.output.mkdir(parents=True, exist_ok=True)
    rows = {Path(row["file"]).stem: row["tags"] for row in csv.DictReader(arguments.list.open())}
    for path in sorted(arguments.teachers.glob("*.npz")):
        if (arguments.output / path.name).exists():
            continue
        with np.load(path, allow_pickle=False) as data:
            if len(data["landmarks"]):
                words = set(rows[path.stem].split())
                np.savez(arguments.output / path.name, tags=np.array(rows[path.stem]), **portrait(dict(data), words))


if __name__ == "__main__":
    main()
