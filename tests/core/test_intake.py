"""The intake: what it holds and loads, and the kinds of landmarks that go through it."""

import importlib
import pkgutil

import numpy as np
import pytest
import skimage.data

from likeness.core import photo
from likeness.core.models.observation import Observation
from likeness.core.photo import intake as module
from likeness.core.photo.faces import Face, FaceDetector, MediaPipeDetector
from likeness.core.photo.intake import Intake
from likeness.core.photo.landmarks import IBUG68, IRISES, MEDIAPIPE
from likeness.core.photo.parsing import CLASSES


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def detector() -> MediaPipeDetector:
    return MediaPipeDetector()


@pytest.fixture
def segmenters(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The rough segmenters that are loaded from now on."""
    loaded: list[object] = []

    class Counted(module.SelfieSegmenter):
        def __init__(self) -> None:
            super().__init__()
            loaded.append(self)

    monkeypatch.setattr(module, "SelfieSegmenter", Counted)
    return loaded


class Everyone:
    """A parser to which all is skin."""

    size = 64
    outline_stays = False

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        return np.eye(len(CLASSES), dtype=np.float32)[np.full(picture.shape[:2], CLASSES.index("skin"))]


def test_one_rough_segmenter_serves_all_photos_of_an_intake(
    astronaut: np.ndarray, detector: MediaPipeDetector, segmenters: list[object]
) -> None:
    intake = Intake(detector)
    assert not segmenters
    first, second = (intake.view(astronaut, name) for name in ("a", "b"))
    assert len(segmenters) == 1 and first.parsing is None and np.array_equal(first.matte, second.matte)
    Intake(detector).view(astronaut, "c")
    assert len(segmenters) == 2


def test_the_parser_of_an_intake_cuts_out_in_place_of_the_rough_one(
    astronaut: np.ndarray, detector: MediaPipeDetector, segmenters: list[object]
) -> None:
    view = Intake(detector, Everyone()).view(astronaut, "a")
    assert not segmenters and view.parsing is not None and view.parsing.share("background").max() < 0.01


def test_no_module_of_photo_keeps_anything_between_calls() -> None:
    names = [one.name for one in pkgutil.iter_modules(photo.__path__)]
    modules = [importlib.import_module(f"{photo.__name__}.{name}") for name in names]
    kept = {f"{one.__name__}.{name}" for one in modules for name, value in vars(one).items() if hasattr(value, "cache_clear")}
    assert names and not kept


def test_a_view_and_an_observation_keep_the_landmarks_by_kind(astronaut: np.ndarray, detector: MediaPipeDetector) -> None:
    view = Intake(detector, Everyone()).view(astronaut, "a")
    assert view.landmarks.keys() == {MEDIAPIPE, IRISES} and view.mesh is view.landmarks[MEDIAPIPE]
    assert view.scatter is not None and view.scatter < 0.008
    assert Observation.of(view).landmarks == view.landmarks
    with pytest.raises(ValueError, match="needs landmarks"):
        Observation({IRISES: view.landmarks[IRISES]})


def test_all_landmarks_turn_with_the_picture() -> None:
    points = np.random.default_rng(0).uniform(0, 30, (468, 3)).astype(np.float32)
    face = Face({MEDIAPIPE: points, IRISES: points[:2], IBUG68: points[:68, :2]}, 0.9)
    turned = face.turned(1, (40, 60))
    assert np.array_equal(turned.landmarks[IRISES], turned.mesh[:2]) and np.array_equal(turned.landmarks[IBUG68], turned.mesh[:68, :2])
    assert not np.array_equal(turned.mesh, face.mesh)
    back = turned.turned(-1, (60, 40))
    assert all(np.allclose(back.landmarks[kind], face.landmarks[kind], atol=1e-4) for kind in face.landmarks)


def test_a_detector_need_only_detect(astronaut: np.ndarray, detector: MediaPipeDetector) -> None:
    (found,) = detector.detect(astronaut)

    class Simple(FaceDetector):
        def detect(self, image: np.ndarray) -> list[Face]:
            return [found]

    view = Intake(Simple(), Everyone()).view(astronaut, "a")
    assert np.array_equal(view.mesh, found.mesh) and view.scatter is None
