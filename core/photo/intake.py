"""From a photo file to a View: decode, find the face, turn upright, cut the person out, and say what may spoil the result."""

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..errors import NoFaceError
from .decode import Photo, read_photo
from .faces import Face, FaceDetector
from .matte import SelfieSegmenter, head_region, segment
from .parsing import Parser
from .view import View

MIN_FACE = 48
"""Smallest longer side of a face, pixels, with which anything can be done."""
GOOD_FACE = 96
_CUT_OUT = 0.9  # a person alone covers less of the square around the head
_FULL_FRAME = 36.0  # mm: the long side of the 35 mm frame


class Intake:
    """Turns photos into views with one detector and one way to cut people out, kept for any number of photos.

    Not safe to share between threads, as detectors are not.
    """

    def __init__(self, detector: FaceDetector, parser: Parser | None = None) -> None:
        """Without a parser people are cut out roughly, and the views have no parsing."""
        self.detector, self.parser = detector, parser

    @cached_property
    def _segmenter(self) -> Parser | SelfieSegmenter:
        return self.parser or SelfieSegmenter()

    def load(self, path: str | Path, subject: int = -1) -> View:
        """Prepare one photo. subject counts people from the left from 0; -1 takes the largest face.

        Raises InputError when the file cannot be used and NoFaceError when it shows no usable face.
        """
        path = Path(path)
        return self._view(read_photo(path), path.name, subject)

    def view(
        self, image: np.ndarray, name: str, alpha: np.ndarray | None = None, focal_35mm: float | None = None, subject: int = -1
    ) -> View:  # fmt: skip
        """As load, for an upright (H, W, 3) uint8 sRGB picture in memory with alpha (H, W) float32 in [0, 1] or None; focal_35mm:
        millimetres on 35 mm film, or None when unknown."""
        return self._view(Photo(np.ascontiguousarray(image), alpha, focal_35mm, name), name, subject)

    def _view(self, photo: Photo, label: str, subject: int) -> View:
        faces = self.detector.detect(photo.image)
        if not faces and photo.alpha is not None:
            hidden = np.mean(photo.alpha == 0)
            raise NoFaceError(
                f"No face was found in {label}, of which {hidden:.0%} is transparent; use a photo that shows the face, or save it without "
                "transparency."
            )
        chosen = _choose(faces, subject, label)
        turns = chosen.roll
        image = np.ascontiguousarray(np.rot90(photo.image, turns))
        face = self.detector.look_again(image, chosen.turned(turns, photo.image.shape))
        others = [one.turned(turns, photo.image.shape) for one in faces if one is not chosen]
        doubts = _doubts(image, face, label)
        alpha = None if photo.alpha is None else np.ascontiguousarray(np.rot90(photo.alpha, turns))
        if alpha is not None and not _shows(alpha, face):
            doubts.append(f"The transparency of {label} hides the face and was ignored.")
            alpha = None
        matte, parsing = segment(image, face, self._segmenter, others)
        if alpha is not None:
            matte = alpha if not others and _cuts_out(alpha, face) else matte * alpha
        focal = photo.focal_35mm and photo.focal_35mm / _FULL_FRAME * max(image.shape[:2])
        scatter, warnings = self.detector.scatter(image, face), (*photo.warnings, *doubts)
        return View(image, matte, face.landmarks, focal, photo.name, warnings, turns, scatter, parsing, face.modelled)


def _choose(faces: list[Face], subject: int, label: str) -> Face:
    if not faces:
        raise NoFaceError(f"No face was found in {label}; use a photo that shows the face clearly and from the front.")
    if subject >= len(faces):
        count, choice = ("1 face", "0") if len(faces) == 1 else (f"{len(faces)} faces", f"one from 0 to {len(faces) - 1}")
        raise NoFaceError(f"{label} shows {count}, so there is no subject {subject}; choose {choice}.")
    face = faces[subject] if subject >= 0 else max(faces, key=lambda one: one.size)
    if face.size < MIN_FACE:
        which = "largest face" if subject < 0 and len(faces) > 1 else "face"
        raise NoFaceError(f"The {which} in {label} is only {face.size:.0f} pixels high; use a photo in which it has {MIN_FACE} or more.")
    return face


def _shows(alpha: np.ndarray, face: Face) -> bool:
    rows, columns = (np.clip(face.mesh[:, axis].astype(int), 0, alpha.shape[1 - axis] - 1) for axis in (1, 0))
    return float(alpha[rows, columns].mean()) > 0.5


def _cuts_out(alpha: np.ndarray, face: Face) -> bool:
    """Whether alpha is a cut-out of the person, not only rounded corners or a faded border."""
    left, top, side = head_region(face)
    return float(alpha[max(top, 0) : top + side, max(left, 0) : left + side].mean()) < _CUT_OUT


def _doubts(image: np.ndarray, face: Face, label: str) -> list[str]:
    """Sentences about a picture that may spoil the result; quality.py has those about what was made of it."""
    notes = []
    if face.modelled:
        notes.append(f"MediaPipe found no face in {label}; the head is fitted to the 68 points of face-alignment alone, which is rougher.")
    if face.size < GOOD_FACE:
        notes.append(f"The face in {label} is small ({face.size:.0f} pixels); a larger one gives more detail.")
    left, top, right, bottom = face.box
    part = image[max(int(top), 0) : int(bottom) + 1, max(int(left), 0) : int(right) + 1]
    grey = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY)
    if np.median(grey) < 40:
        notes.append(f"The face in {label} is under-exposed; a brighter photo gives better colours.")
    elif np.mean(grey >= 250) > 0.25:
        notes.append(f"The face in {label} is over-exposed; a darker photo gives better colours.")
    return notes
