"""That bad photos and bad results are told, and good ones are not: on the astronaut of scikit-image, whole, painted over and cut."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from likeness.core.errors import ReconstructionError
from likeness.core.models.fit import ViewFit
from likeness.core.models.rotation import rotation_matrix
from likeness.core.photo.parsing import CLASSES, Parsing
from likeness.core.photo.view import View
from likeness.core.pipeline import Reconstructor
from likeness.core.prepared import PreparedPhoto
from likeness.core.quality import CHECKS, Check, judge, measure_fit, measure_surface
from likeness.core.result import DOUBTFUL, GOOD
from likeness.core.settings import Settings
from likeness.core.surface.extract import extract_surface

ASTRONAUT = skimage.data.astronaut()
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def seen(reconstructor: Reconstructor) -> PreparedPhoto:
    return reconstructor.prepare(reconstructor.intake.view(ASTRONAUT, "astronaut"))


@pytest.fixture
def measured(reconstructor: Reconstructor, seen: PreparedPhoto) -> Callable[..., dict[str, float]]:
    """Measures of the astronaut with another view, fit or matte."""

    def measure(view: View = seen.view, fit: ViewFit = seen.fit, matte: np.ndarray | None = None) -> dict[str, float]:
        picture, maps = seen.prediction.photo[0].permute(1, 2, 0).numpy().copy(), seen.prediction.maps[0].numpy()
        if matte is not None:
            picture[..., 3] = matte
        return measure_fit(reconstructor._model, view, fit, seen.surface.framing, picture, maps)

    return measure


def test_a_good_photo_is_good(seen: PreparedPhoto) -> None:
    assert judge(seen.measures, "astronaut") == (GOOD, [])


def polygon(image: np.ndarray, points: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return cv2.fillPoly(image.copy(), [np.round(points).astype(np.int32)], colour)


def masked(image: np.ndarray, marks: np.ndarray) -> np.ndarray:
    return polygon(image, marks[[6, 117, 93, 58, 172, 136, 150, 176, 152, 400, 379, 365, 397, 288, 323, 346]], (150, 190, 215))


def behind_a_board(image: np.ndarray, marks: np.ndarray) -> np.ndarray:
    nose = int(marks[1, 0])
    return np.concatenate([image[:, :nose], np.full_like(image[:, nose:], (60, 95, 60))], axis=1)


def with_a_phone(image: np.ndarray, marks: np.ndarray) -> np.ndarray:
    return polygon(image, marks[4] + np.array([[-3, -40], [36, -34], [30, 52], [-10, 46]]), (25, 25, 28))


def with_dark_glasses(image: np.ndarray, marks: np.ndarray) -> np.ndarray:
    for eye in ([70, 105, 55, 193, 47, 119, 117, 111], [300, 334, 285, 417, 277, 348, 346, 340]):
        image = polygon(image, marks[eye], (15, 15, 18))
    return image


@pytest.mark.parametrize("change", [masked, behind_a_board, with_a_phone])
def test_what_covers_the_face_makes_a_result_doubtful(reconstructor: Reconstructor, seen: PreparedPhoto, change: Change) -> None:
    painted = np.ascontiguousarray(change(ASTRONAUT, seen.view.mesh[:, :2]))
    quality, said = judge(reconstructor.prepare(reconstructor.intake.view(painted, "a")).measures, "a")
    assert quality == DOUBTFUL and any("covered" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (with_dark_glasses, "The eyes in a are too dark"),
        (lambda image, _: cv2.resize(image, None, fx=1.4, fy=1), "a looks stretched in width"),
        (lambda image, _: cv2.resize(image, None, fx=1, fy=1.5), "a looks stretched in height"),
        (lambda image, _: image[60:], "a cuts off the top of the head"),
        (lambda image, _: image[:, 190:], "a cuts off the head on the left"),
        (lambda image, _: image[:, :265], "a cuts off the head on the right"),
        (lambda image, _: image[:165], "a ends at the chin"),
        (lambda image, _: image[:188], "a ends right below the chin"),
    ],
)
def test_what_is_missing_or_bent_is_said(reconstructor: Reconstructor, seen: PreparedPhoto, change: Change, sentence: str) -> None:
    view = reconstructor.intake.view(np.ascontiguousarray(change(ASTRONAUT, seen.view.mesh[:, :2])), "a")
    quality, said = judge(reconstructor.prepare(view).measures, "a")
    assert quality == GOOD and len(said) == 1 and said[0].startswith(sentence)


def test_a_chest_that_the_photo_cuts_is_not_worth_a_word(reconstructor: Reconstructor) -> None:
    assert judge(reconstructor.prepare(reconstructor.intake.view(np.ascontiguousarray(ASTRONAUT[:260, 100:360]), "a")).measures, "a") == (
        GOOD,
        [],
    )


def test_a_matte_that_misses_the_person_is_told(seen: PreparedPhoto, measured: Callable[..., dict[str, float]]) -> None:
    """Everything taken for the person, a part of the head lost, all of it lost."""
    matte = seen.prediction.photo[0, 3].numpy()
    assert "does not look like a head" in judge(measured(matte=np.ones_like(matte)), "a")[1][0]
    part = matte.copy()
    part[:, : int(0.43 * len(part))] = 0
    assert "A part of the head in a" in " ".join(judge(measured(matte=part), "a")[1])
    with pytest.raises(ReconstructionError, match=r"^The face in a was taken for background; use .*\.$"):
        judge(measured(matte=np.zeros_like(matte)), "a")


def test_a_thing_before_the_head_is_told(seen: PreparedPhoto, measured: Callable[..., dict[str, float]]) -> None:
    left, top, side = (int(value) for value in seen.surface.framing.crop_box(seen.fit.camera))
    shares = np.zeros((64, 64, len(CLASSES)), np.float32)
    shares[..., CLASSES.index("skin")] = 1
    parsing = Parsing(shares, (left, top, side))
    assert measured(view=replace(seen.view, parsing=parsing))["covered"] == 0
    shares[24:36, 28:36] = np.eye(len(CLASSES))[CLASSES.index("object")]
    said = judge(measured(view=replace(seen.view, parsing=parsing)), "a")[1]
    assert len(said) == 1 and said[0].startswith("Something in front of the head in a covers")


def test_a_matte_that_is_unsure_of_the_hair_is_measured(seen: PreparedPhoto, measured: Callable[..., dict[str, float]]) -> None:
    matte = seen.prediction.photo[0, 3].numpy().copy()
    sure = measured()["matte_unsure"]
    matte[: len(matte) // 3] *= 0.5
    assert sure < 0.1 and measured(matte=matte)["matte_unsure"] > sure + 0.1


def test_the_surface_is_compared_with_the_fitted_head() -> None:
    """A ball of 8 cm around a fitted head of 6 cm behind, and 2 mm before that in front."""
    vertices, faces = extract_surface(lambda points: (np.linalg.norm(points, axis=1) - 0.4).astype(np.float32), None, 64)
    front = vertices[:, 2] > 0
    prior = np.where(front, -0.01, 0.1).astype(np.float32)
    height, face = np.zeros(len(vertices)), front.astype(float)
    found = measure_surface(vertices, faces, front.astype(float), prior, height, face, 0.2)
    assert found["fit_disagreement"] == pytest.approx(2, rel=0.01)
    assert found["hidden_excess"] == pytest.approx(2 * np.pi * 0.8**2 * 0.2, rel=0.05)  # half of a sphere of 0.8 dm, times 0.2 dm
    assert measure_surface(vertices, faces, front.astype(float), prior, height - 0.6, 0 * face, 0.2) == {}  # clothes


@pytest.mark.parametrize(("turn", "sentence"), [((0, 0.9, 0), "turned far to the side"), ((0.7, 0, 0), "bent far up or down")])
def test_a_head_that_is_turned_far_is_told(
    seen: PreparedPhoto, measured: Callable[..., dict[str, float]], turn: tuple[float, float, float], sentence: str
) -> None:
    measures = measured(fit=replace(seen.fit, rotation=rotation_matrix(np.array(turn)))) | {"aspect": 1.0}
    assert sentence in judge(measures, "a")[1][0]


def test_landmarks_that_are_no_face_are_refused(seen: PreparedPhoto, measured: Callable[..., dict[str, float]]) -> None:
    assert "misses the landmarks of a by 3.5%" in judge(measured(fit=replace(seen.fit, residual=0.035)), "a")[1][0]
    with pytest.raises(ReconstructionError, match="choose another photo"):
        judge(measured(fit=replace(seen.fit, residual=0.06)), "a")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.measure}-{check.level}-{check.least}")
def test_every_check_speaks_alone_and_only_beyond_its_limit(seen: PreparedPhoto, check: Check) -> None:
    limit = check.least if np.isfinite(check.least) else check.below
    bad, fine = (limit, limit - 1e-6) if np.isfinite(check.least) else (limit - 1e-6, limit)
    usual = seen.measures | {"silhouette_iou": 0.98, "observed_share": 0.3}
    others = [one for one in CHECKS if one is not check]

    def said(value: float, checks: list[Check]) -> list[str]:
        try:
            return judge(usual | {check.measure: value}, "a", checks)[1]
        except ReconstructionError as error:
            return [str(error)]

    sentence = check.sentence.format(name="a", value=bad)
    assert sentence in said(bad, [*CHECKS])
    assert sentence not in said(bad, others) and sentence not in said(fine, [*CHECKS])
    assert sentence.endswith(".") and sentence.count(". ") == 0


def test_refusals_come_before_the_surface(reconstructor: Reconstructor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), ASTRONAUT[..., ::-1])
    monkeypatch.setattr("likeness.core.prepared.measure_fit", lambda *_: {"landmark_error": 0.08})
    stages: list[str] = []
    with pytest.raises(ReconstructionError):
        reconstructor.run(tmp_path / "a.png", Settings(quality="draft"), lambda stage, _: stages.append(stage))
    assert "surface" not in stages
