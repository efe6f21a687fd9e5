"""Tracks the face in a photo, a video or a sequence of pictures: Tracker.load().run(source) gives a Performance."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ..errors import Cancelled, NoFaceError, ReconstructionError
from ..models.fit import PersonFitter, fit_head
from ..models.head import HeadModel
from ..models.joints import JOINT_NAMES, LEFT_EYE, NECK, RIGHT_EYE
from ..models.observation import Observation
from ..models.rotation import rotation_vector
from ..photo.faces import Face, MediaPipeDetector
from ..photo.intake import MIN_FACE
from ..photo.landmarks import IRISES
from .gaze import Eyes
from .lids import FEWEST_FRAMES, blinks, openings
from .performance import Performance, fill_gaps, smooth
from .pictures import open_pictures

SMOOTHING = 0.2
"""Seconds of the smoothing window that suits speech."""
_EXAMPLES = 8  # frames over which a person's identity is averaged
_LOST = 0.12  # residual, eye distances, beyond which the landmarks are not this person's face
_SHUT, _SHUT_BY_FIT = 0.5, 0.2  # weight of a blink, by its lids or by the fit, beyond which a lid hides the iris
_DETECTING = 0.8  # share of the work
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class _FaceInFrame:
    """A face in a frame, upright; the picture itself is not kept."""

    face: Face
    frame: int

    def observation(self, name: str) -> Observation:
        return Observation.detected(self.face.landmarks, name=name)


class Tracker:
    """The detector and the head model, kept for any number of videos."""

    def __init__(self, model: HeadModel, detector: MediaPipeDetector) -> None:
        self._model, self._detector = model, detector

    @classmethod
    def load(cls) -> Self:
        """With the bundled head model. Raises AssetError."""
        return cls(HeadModel.load(), MediaPipeDetector())

    def run(
        self,
        source: Path,
        smoothing: float = SMOOTHING,
        progress: Progress | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Performance:
        """Expression, head and gaze of the largest face in a photo, a video or a folder of pictures, frame by frame.

        The person's identity is averaged over frames spread over the source and held. Weights are the head model's ARKit shapes: an open
        mouth is in jawOpen, the jaw's joint stays at rest. smoothing: seconds, 0 for none. Frames without the face are filled.
        Raises InputError, NoFaceError when no frame shows a usable face, Cancelled when `cancel`, asked for each frame, answers True.
        """

        def step(stage: str, fraction: float) -> None:
            if cancel and cancel():
                raise Cancelled("Cancelled.")
            if progress:
                progress(stage, fraction)

        faces, count, rate, warnings = self._detect(source, lambda share: step("track", _DETECTING * share))
        if not faces:
            raise NoFaceError(f"{source.name} shows no face; use pictures that show one face clearly and from the front.")
        identity = self._identity(faces, source.name, lambda: step("track", _DETECTING))
        fitter, eyes = PersonFitter(self._model, identity), Eyes(self._model, identity)
        shapes = len(self._model.expression)
        table = np.zeros((count, shapes + 6))  # expression, head, gaze
        seen = np.zeros(count, bool)
        opened = np.zeros((count, 2))
        lids = [self._model.expression_names.index(f"eyeBlink{side}") for side in ("Left", "Right")]
        for number, found in enumerate(faces):
            step("fit", _DETECTING + (1 - _DETECTING) * number / len(faces))
            try:
                fit = fitter.fit(found.observation(source.name))
            except ReconstructionError:
                continue
            if fit.residual > _LOST:
                continue
            irises = found.face.landmarks.get(IRISES)
            gaze = np.zeros(3) if irises is None else eyes.gaze(irises, fit.rotation, fit.camera)
            table[found.frame] = np.r_[fit.expression, rotation_vector(fit.rotation), gaze]
            seen[found.frame], opened[found.frame] = True, openings(found.face.mesh)
        if not seen.any():
            raise NoFaceError(f"No face in {source.name} could be followed; use pictures that show one face clearly and from the front.")
        measured = seen.sum() >= FEWEST_FRAMES
        if measured:
            table[np.ix_(seen, np.array(lids))] = blinks(opened[seen])
        looking = seen & (table[:, lids].max(1) < (_SHUT if measured else _SHUT_BY_FIT))
        times = np.arange(count) / rate
        table[:, :-3] = fill_gaps(table[:, :-3], times, seen)
        if looking.any():
            table[:, -3:] = fill_gaps(table[:, -3:], times, looking)
        table = smooth(table, times, smoothing)
        rotations = np.zeros((count, len(JOINT_NAMES), 3))
        rotations[:, NECK] = table[:, shapes : shapes + 3]
        rotations[:, [LEFT_EYE, RIGHT_EYE]] = table[:, None, shapes + 3 :]
        values = np.clip(table[:, :shapes], 0, 1)
        return Performance(source.stem, times, self._model.expression_names, values, rotations, seen, warnings)

    def _detect(self, source: Path, step: Callable[[float], None]) -> tuple[list[_FaceInFrame], int, float, tuple[str, ...]]:
        """The largest face of the first frame that has one, followed through the others; frames in all, frames a second, warnings."""
        faces: list[_FaceInFrame] = []
        last: Face | None = None
        turns, number = 0, -1
        with open_pictures(source) as pictures:
            for number, picture in enumerate(pictures.frames):
                step(min(number / pictures.count, 1.0))
                picture = np.ascontiguousarray(np.rot90(picture, turns))
                face = None if last is None else self._detector.follow(picture, last)
                if face is None:
                    closer = number % max(round(pictures.rate), 1) == 0  # a second's work, so once a second of the video
                    face = _same_person(self._detector.detect(picture, closer), last)
                    if face is not None and not faces:  # videos may be recorded lying on the side, all frames alike
                        face, turns = face.turned(face.roll, picture.shape), face.roll
                if face is not None and face.size >= MIN_FACE:
                    last = face
                    faces.append(_FaceInFrame(face, number))
            return faces, number + 1, pictures.rate, tuple(pictures.warnings)

    def _identity(self, faces: list[_FaceInFrame], name: str, step: Callable[[], None]) -> np.ndarray:
        """The person (K,): the mean over frames, each with an expression of its own, weighted against those that fit badly."""
        chosen = np.unique(np.linspace(0, len(faces) - 1, min(_EXAMPLES, len(faces))).round().astype(int))
        fits = []
        for index in chosen:
            step()
            try:
                fits.append(fit_head(self._model, faces[index].observation(name)))
            except ReconstructionError:
                continue
        if not fits:
            raise NoFaceError(f"No face in {name} could be followed; use pictures that show one face clearly and from the front.")
        return np.average([fit.identity for fit in fits], axis=0, weights=[1 / (fit.residual + 1e-3) ** 2 for fit in fits])


def _same_person(faces: list[Face], last: Face | None) -> Face | None:
    """The largest face, or the nearest to where the person was last."""
    if not faces:
        return None
    if last is None:
        return max(faces, key=lambda face: face.size)
    return min(faces, key=lambda face: float(np.linalg.norm(face.mesh[:, :2].mean(0) - last.mesh[:, :2].mean(0))))
