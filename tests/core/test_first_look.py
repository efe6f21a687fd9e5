"""The first look: a coloured head with hair before the person is cut out, once, over the photo as the final one will be."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likeness.core import first_look as module
from likeness.core.errors import ReconstructionError
from likeness.core.first_look import FirstLook, first_look
from likeness.core.models.fit import ViewFit, fit_head
from likeness.core.models.observation import Observation
from likeness.core.photo.framing import HEAD
from likeness.core.photo.view import View
from likeness.core.pipeline import Reconstructor
from likeness.core.report import silhouette_iou
from likeness.core.result import Result
from likeness.core.settings import Settings

DRAFT = Settings(quality="draft", cut="none")


class Enough(Exception):
    """Ends a run."""


@pytest.fixture(scope="module")
def view(reconstructor: Reconstructor, astronaut: Path) -> View:
    """With the matte of the parser."""
    return reconstructor.intake.load(astronaut)


@pytest.fixture(scope="module")
def fit(reconstructor: Reconstructor, view: View) -> ViewFit:
    return fit_head(reconstructor._model, Observation.of(view))


def looks(reconstructor: Reconstructor, astronaut: Path, settings: Settings) -> tuple[list[Result], list[str]]:
    """What is shown, and the stages that were begun by then and up to the networks' normals."""
    shown: list[Result] = []
    stages: list[str] = []

    def progress(stage: str, share: float) -> None:
        stages.append(stage)
        if stage == "normals":
            raise Enough

    with pytest.raises(Enough):
        reconstructor.run(astronaut, settings, progress, early=lambda result: shown.append(result) or stages.append("shown"))
    return shown, stages


def test_it_is_shown_once_while_the_photo_is_read(reconstructor: Reconstructor, astronaut: Path) -> None:
    shown, stages = looks(reconstructor, astronaut, DRAFT)
    assert len(shown) == 1 and stages[: stages.index("shown")] == ["photo"]
    assert "first look" in shown[0].report["notes"][0]


def test_a_photo_that_is_known_or_corrected_shows_it_after_the_fit(reconstructor: Reconstructor, astronaut: Path, tmp_path: Path) -> None:
    reconstructor.interactive.seen(astronaut, DRAFT)
    shown, stages = looks(reconstructor, astronaut, DRAFT)
    assert len(shown) == 1 and "fit" in stages[: stages.index("shown")]
    mask = tmp_path / "mask.png"
    Image.fromarray(np.full((512, 512), 255, np.uint8)).save(mask)
    shown, stages = looks(reconstructor, astronaut, dataclasses.replace(DRAFT, focal=40.0, mask=str(mask)))
    assert len(shown) == 1 and "fit" in stages[: stages.index("shown")]


def test_the_hair_fills_the_persons_outline(reconstructor: Reconstructor, view: View, fit: ViewFit, monkeypatch) -> None:
    def overlap() -> float:
        result = first_look(reconstructor._model, view, fit, DRAFT)
        points = HEAD.to_crop(result.views[0].pose.to_camera(result.surface.vertices), fit.camera)
        return silhouette_iou(view.matte, HEAD.crop_box(fit.camera), points, result.surface.faces)

    with_hair = overlap()
    monkeypatch.setattr(module, "_MOST", 1.0)
    assert with_hair > overlap() + 0.03


def test_what_the_photo_shows_has_its_colours(reconstructor: Reconstructor, view: View, fit: ViewFit) -> None:
    result = first_look(reconstructor._model, view, fit, DRAFT)
    mesh, pose = result.surface, result.views[0].pose
    seen = np.flatnonzero(mesh.observed > 0.9)
    pixels = np.floor(result.views[0].camera.project(pose.to_camera(mesh.vertices[seen]))).astype(int).clip(0, 511)
    there = view.image[pixels[:, 1], pixels[:, 0]] / 255
    assert len(seen) > 2000 and np.abs(mesh.colours[seen] - there).mean() < 0.05


def test_it_ends_where_the_head_will_end(reconstructor: Reconstructor, view: View, fit: ViewFit) -> None:
    heights = {
        cut: np.ptp(first_look(reconstructor._model, view, fit, dataclasses.replace(DRAFT, cut=cut)).surface.vertices[:, 1])
        for cut in ("none", "bust", "neck")
    }
    assert heights["none"] > heights["bust"] + 0.02 > heights["neck"] + 0.04


def test_a_face_that_cannot_be_fitted_yet_shows_nothing(reconstructor: Reconstructor, view: View, fit: ViewFit, monkeypatch) -> None:
    def fails(*_: object) -> ViewFit:
        raise ReconstructionError("No.")

    shown: list[Result] = []
    look = FirstLook(reconstructor._model, reconstructor._predictor, DRAFT, shown.append)
    monkeypatch.setattr(module, "fit_head", fails)
    look.of_face(view)
    assert not shown
    look.of_fit(view, fit)
    look.of_fit(view, fit)
    assert len(shown) == 1
