"""The map from a face's picture to its folds, and the head of the old:
`python -m likeness.training.ageing.build --assets FOLDER [--output FILE]`.

Readers gave the 180 faces of photos_train a number for how aged their form is, apart from the folds that a smile makes (labels.csv: 0
smooth, 1 slight, 2 clear folds, bags or jowls, 3 deeply folded). Ridge regression on features of the parsing network's backbone, each face
VARIANTS times more, mirrored by chance and under other light, because official portraits are alike; a tenth of the people at a time tells
how good it is, and the file is made from all of them. The head of the old is what MakeHuman's targets change between an adult and an elder,
mixed of men and women, in the components of the head model's identity.
"""

import argparse
import csv
import logging
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.models.head import HeadModel
from ...core.networks.ageing import AGEING_FILE, SCHEMA, SIZE, face_features, face_picture
from ...core.networks.parameters import IDENTITY
from ...core.networks.weights import load_parsing
from ...core.photo.decode import read_photo
from ...core.photo.faces import MediaPipeDetector
from ...core.photo.landmarks import MEDIAPIPE
from ...core.photo.view import View
from ..humans.bodies import Bodies

log = logging.getLogger(__name__)
LABELS = Path(__file__).with_name("labels.csv")
VARIANTS = 5
_RIDGE = 300.0
_PARTS = 10
_MEN = 0.65  # their old are more deeply folded, women's heavier
_FACE = ((0.0, -0.03, 0.06), 0.13)  # metres: centre and radius of what counts in full
_REST, _PRIOR = 0.15, 2.4e-4  # weight of the rest, and metres a vertex that a component's standard deviation costs


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, required=True, help="the asset pack, with photos_train")
    parser.add_argument("--output", type=Path, default=AGEING_FILE)
    options = parser.parse_args()
    features, folds = examples(options.assets / "photos_train")
    people = np.arange(len(folds)) % _PARTS
    guessed = np.empty(len(folds))
    for part in range(_PARTS):
        mean, weights, offset = regressed(features[people != part], folds[people != part])
        guessed[people == part] = offset + (features[people == part, 0] - mean) @ weights
    error = float(np.sqrt(np.mean((guessed - folds) ** 2)))
    log.info(
        "%d faces, correlation %.3f, error %.2f of a deviation of %.2f", len(folds), np.corrcoef(guessed, folds)[0, 1], error, folds.std()
    )
    mean, weights, offset = regressed(features, folds)
    arrays = {"mean": mean, "weights": weights, "offset": np.array([offset]), "identity": head_of_the_old(options.assets)}
    SCHEMA.save(options.output, {name: values.astype(np.float32) for name, values in arrays.items()})


def examples(photos: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 1 + VARIANTS, COUNT) of faces, first as they are, and their folds (N,), the mean of what readers gave them."""
    parsing, detector, rng = load_parsing(), MediaPipeDetector(), np.random.default_rng(0)
    assert parsing is not None
    given: dict[str, list[float]] = {}
    for row in csv.DictReader(LABELS.open()):
        given.setdefault(row["name"], []).append(float(row["folds"]))
    features = []
    for name in sorted(given):
        image = read_photo(photos / f"{name}.jpg").image
        mesh = max(detector.detect(image), key=lambda face: face.size).mesh
        face = face_picture(View(image, np.ones(image.shape[:2], np.float32), {MEDIAPIPE: mesh}, None, name), mesh)
        looks = [face, *(varied(*face, rng) for _ in range(VARIANTS))]
        features.append([face_features(parsing.backbone, *look, torch.device("cpu"), torch.inference_mode) for look in looks])
    return np.array(features), np.array([np.mean(given[name]) for name in sorted(given)])


def varied(picture: np.ndarray, face: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A face (SIZE, SIZE, 3) and its inside (SIZE, SIZE) as another camera might show them: mirrored or not, other exposure, white balance,
    contrast, light from one side, blur and noise."""
    if rng.random() < 0.5:
        picture, face = picture[:, ::-1], face[:, ::-1]
    picture = picture ** rng.uniform(0.6, 1.6) * rng.uniform(0.75, 1.2) * (1 + rng.normal(0, 0.08, 3))
    middle = picture.mean((0, 1))
    picture = (picture - middle) * rng.uniform(0.7, 1.3) + middle
    if rng.random() < 0.5:
        angle, (down, right) = rng.uniform(0, 2 * np.pi), np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
        picture = picture * np.exp(rng.uniform(0, 0.5) * (np.cos(angle) * right + np.sin(angle) * down))[..., None]
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.3:
        picture = picture + rng.normal(0, rng.uniform(0.005, 0.03), picture.shape)
    return np.clip(picture, 0, 1).astype(np.float32), np.ascontiguousarray(face)


def regressed(features: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """mean and weights (COUNT,) and offset of the ridge regression of folds (N,) on features (N, V, COUNT), each in its deviation."""
    looks = features.shape[1]
    flat, wanted = features.reshape(-1, features.shape[-1]), np.repeat(folds, looks)
    mean, spread, offset = flat.mean(0), flat.std(0) + 1e-6, float(folds.mean())
    unit = (flat - mean) / spread
    weights = np.linalg.solve(unit.T @ unit + looks * _RIDGE * np.eye(unit.shape[1]), unit.T @ (wanted - offset))
    return mean, weights / spread, offset


def head_of_the_old(assets: Path) -> np.ndarray:
    """(IDENTITY,) standard deviations of the head model's identity from an adult to an elder."""
    model, bodies = HeadModel.load(), Bodies(assets)
    known = model.hm08 >= 0
    change = np.zeros((int(known.sum()), 3))
    for gender, share in ((0.0, _MEN), (1.0, 1 - _MEN)):
        young, old = (bodies.average(age, gender)[model.hm08[known]] for age in (0.67, 1.0))
        change += share * (old - young)
    centre, radius = _FACE
    weight = np.sqrt(np.where(np.linalg.norm(model.mean[known] - centre, axis=1) < radius, 1.0, _REST))[:, None]
    basis = (model.identity[:IDENTITY, known] * weight).reshape(IDENTITY, -1).astype(np.float64)
    prior = _PRIOR**2 * basis.shape[1] / 3
    return np.linalg.solve(basis @ basis.T + prior * np.eye(IDENTITY), basis @ (change * weight).ravel())


if __name__ == "__main__":
    main()
