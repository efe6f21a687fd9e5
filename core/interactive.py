"""What an artist does with one photo again and again: choose a person, look at the mask, move pins. What has been seen in the photo is
kept in between."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.spatial import Delaunay  # pyright: ignore[reportAttributeAccessIssue]

from .corrections import corrected_photo, corrected_view
from .errors import InputError
from .fitted_face import FittedFace
from .inspection import THUMBNAIL, Inspection
from .models.fit import ViewFit, fit_head, landmark_points, refit_to_pins
from .models.guess import HeadGuess
from .models.head import HeadModel
from .models.observation import Observation
from .networks.predictor import Predictor
from .photo.crop import crop_picture
from .photo.decode import read_photo
from .photo.figure import BodyView
from .photo.intake import Intake
from .photo.named_landmarks import NAMED_LANDMARKS
from .photo.persons import Person
from .photo.pins import Pin, pinned
from .photo.view import View
from .settings import Settings

_SEEN_BY = (
    "subject", "subject_index", "focal", "crop_left", "crop_right", "crop_top", "crop_bottom", "detector", "detector_weights", "matte",
)  # fmt: skip
"""The settings that what is seen in a photo depends on."""
_ROOM = 1.5  # side of a thumbnail over the longer side of the person's box


class InteractiveFit:
    """Fits that follow the artist's hand. intake: gives the intake that settings ask for."""

    def __init__(self, model: HeadModel, predictor: Predictor, intake: Callable[[Settings], Intake]) -> None:
        self._model, self._predictor, self._intake = model, predictor, intake
        self._key: tuple[Any, ...] = ()
        self._seen: View | BodyView | None = None
        self._fitted: tuple[tuple[Any, ...], HeadGuess | None, ViewFit] | None = None

    def seen(self, photo: Path, settings: Settings, found: Callable[[View], None] | None = None) -> View | BodyView:
        """What a photo shows, before any correction of mask and pins; the last one is kept. found: as Intake.subject has it, for a photo
        that is not kept. Raises InputError, NoFaceError."""
        key = (_digest(photo), *(getattr(settings, name) for name in _SEEN_BY))
        if self._seen is None or key != self._key:
            decoded = corrected_photo(read_photo(photo), settings)
            self._seen = self._intake(settings).subject(decoded, photo.name, settings.subject, settings.subject_index, found)
            self._key = key
        return self._seen

    def loader(
        self, main: Path, settings: Settings, found: Callable[[View], None] | None = None
    ) -> Callable[[Path, str, int], View | BodyView]:  # fmt: skip
        """What reads the photos of a run: the main one as `seen`, the others as they are."""

        def load(path: Path, subject: str, person: int) -> View | BodyView:
            if path == main:
                return self.seen(path, replace(settings, subject=subject, subject_index=person), found)
            return self._intake(settings).load_subject(path, subject, person)

        return load

    def follow(self, photo: Path, settings: Settings, pins: list[Pin]) -> FittedFace:
        """The face fitted to a photo as the pins say. The first call for a photo takes a second or two, others a fraction of one.

        Raises LikenessError."""
        view = self.seen(photo, settings)
        if isinstance(view, BodyView):
            raise InputError("Pins correct heads only; choose the subject head.")
        view = corrected_view(view, replace(settings, pins=""))
        key = (*self._key, settings.mask)
        if self._fitted is None or self._fitted[0] != key:
            guess = None if view.modelled else self._predictor.guess(view)
            self._fitted = key, guess, fit_head(self._model, Observation.of(view), guess)
        _, guess, fit = self._fitted
        shares = np.zeros((0, 468))
        if pins:
            moved = pinned(view, pins)
            assert moved.pins is not None
            shares, fit = moved.pins.shares, refit_to_pins(self._model, Observation.of(moved), fit, guess)
        points = landmark_points(self._model, fit)
        over = lambda points: np.column_stack([fit.camera.project(points), points[:, 2]])  # noqa: E731
        named = over(points[list(NAMED_LANDMARKS.values())])
        return FittedFace(over(points), self._net, tuple(NAMED_LANDMARKS), named, over(shares @ points))

    @cached_property
    def _net(self) -> np.ndarray:
        """Triangles (F, 3) between MediaPipe's landmarks as the mean face shows them from the front: fewer lines than the model has, so
        that the photo stays visible below."""
        front = self._model.mediapipe.on(self._model.mean)[:, :2]
        return Delaunay(front).simplices.astype(np.int32)

    def inspect(self, photo: Path, settings: Settings, mask: bool) -> Inspection:
        """The people to choose from or, if `mask`, what is taken for the chosen one. Raises LikenessError."""
        read = read_photo(photo)
        if mask:
            matte = np.round(self.seen(photo, settings).matte * 255).astype(np.uint8)
            return Inspection(np.zeros((0, 4)), np.zeros((0, THUMBNAIL, THUMBNAIL, 3), np.uint8), read.focal_35mm or 0.0, matte)
        cut = corrected_photo(read, settings)
        boxes = [_box(person) for person in self._intake(settings).people(cut)]
        size = np.array([cut.image.shape[1], cut.image.shape[0]] * 2, float)
        pictures = [_thumbnail(cut.image, box) for box in boxes]
        return Inspection(
            np.reshape(boxes, (-1, 4)) / size, np.reshape(pictures, (-1, THUMBNAIL, THUMBNAIL, 3)).astype(np.uint8), read.focal_35mm or 0.0
        )


def _digest(photo: Path) -> str:
    """Raises InputError when the file cannot be read."""
    try:
        return hashlib.sha256(photo.read_bytes()).hexdigest()
    except OSError:
        return str(photo)  # reading it as a photo says what is wrong


def _box(person: Person) -> tuple[float, float, float, float]:
    if person.face is not None:
        return person.face.box
    assert person.body is not None
    low, high = person.body.points.min(0), person.body.points.max(0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _thumbnail(image: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    left, top, right, bottom = box
    side = _ROOM * max(right - left, bottom - top, 1.0)
    square = ((left + right - side) / 2, (top + bottom - side) / 2, side)
    return np.round(crop_picture(image, square, THUMBNAIL, cv2.BORDER_REPLICATE) * 255).clip(0, 255)
