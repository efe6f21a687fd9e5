"""From a photo file to a View or a BodyView: decode, find people, turn upright, cut the person out, and say what may spoil the result."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..errors import NoFaceError, NoSubjectError
from .decode import Photo, read_photo
from .faceless import HeadPicture
from .faces import Face, FaceDetector
from .figure import BodyView, figure_square, matte_box, segment_figure
from .figure_matte import FigureParser
from .matte import SelfieSegmenter, head_region, rough_matte, segment
from .parsing import Parser
from .people import BodyLandmarks, combined
from .persons import Person, PersonDetector, may_show_body
from .view import View

AUTO, HEAD, BODY = "auto", "head", "body"
"""What of a person is wanted; AUTO: the body where the photo shows hips and knees, else the head."""

MIN_FACE = 48
"""Smallest longer side of a face, pixels, with which anything can be done."""
GOOD_FACE = 96
MIN_BODY, GOOD_BODY = 150, 400
"""Smallest height of a person standing, pixels, with which anything can be done, and the one below which little is seen."""
_TALL = 3.4  # lengths of the torso
_OWN = 0.5  # lengths of the torso: readings whose hips lie farther off are of somebody else
_CUT_OUT = 0.9  # a person alone covers less of the square around the head
FULL_FRAME = 36.0
"""Millimetres: the long side of the 35 mm frame."""


class Intake:
    """Turns photos into views with one detector and one way to cut people out, kept for any number of photos.

    Not safe to share between threads, as detectors are not.
    """

    def __init__(
        self,
        detector: FaceDetector,
        parser: Parser | None = None,
        persons: PersonDetector | None = None,
        body_parser: FigureParser | None = None,
    ) -> None:
        """Without a parser of heads or of bodies people are cut out roughly, and those views have no parsing."""
        self.detector, self.parser, self.body_parser = detector, parser, body_parser
        self.persons = persons or PersonDetector()

    @cached_property
    def _segmenter(self) -> SelfieSegmenter:
        return SelfieSegmenter()

    def load(self, path: str | Path, subject: int = -1) -> View:
        """Prepare one photo of a head. subject counts people from the left from 0; -1 takes the largest face.

        Raises InputError when the file cannot be used and NoFaceError when it shows no usable face.
        """
        path = Path(path)
        return self._view(read_photo(path), path.name, subject)

    def load_subject(self, path: str | Path, subject: str = AUTO, person: int = -1) -> View | BodyView:
        """Prepare one photo of a head or of a body; otherwise as `subject`. Raises InputError too, when the file cannot be used."""
        path = Path(path)
        return self.subject(read_photo(path), path.name, subject, person)

    def load_faceless(self, path: str | Path) -> HeadPicture:
        """Prepare one upright photo of a head whose face is not found, such as a profile. Raises InputError, NoFaceError where it shows no
        head either."""
        path = Path(path)
        photo = read_photo(path)
        found = None if self.parser is None else HeadPicture.of(photo, self.parser, _focal(photo))
        if found is None:
            raise NoFaceError(f"No head was found in {path.name}.")
        return found

    def subject(
        self, photo: Photo, label: str, subject: str = AUTO, person: int = -1, found: Callable[[View], None] | None = None
    ) -> View | BodyView:  # fmt: skip
        """Prepare a decoded photo of a head or of a body, as the subject says: AUTO, HEAD or BODY. person counts people from the left from
        0; -1 takes the largest. A body that is not made is told in the notes. label: the photo's name in sentences. found: is given a view
        of a head with a rough matte, and no parsing, before the person is cut out.

        Raises NoFaceError when it shows nobody of use.
        """
        faces = self.detector.detect(photo.image)
        turns = max(faces, key=lambda face: face.size).roll if faces else 0
        upright = Photo(
            np.ascontiguousarray(np.rot90(photo.image, turns)),
            None if photo.alpha is None else np.ascontiguousarray(np.rot90(photo.alpha, turns)),
            photo.focal_35mm,
            photo.name,
            photo.warnings,
        )
        turned = [face.turned(turns, photo.image.shape) for face in faces]
        bodies = subject == BODY or (subject == AUTO and not faces) or any(may_show_body(face, upright.image.shape) for face in turned)
        people = self.persons.people(upright.image, turned) if bodies else [Person(face) for face in turned]
        counted = [one for one in people if one.face is not None] if subject == HEAD else people
        chosen = _chosen(counted, person, subject, label)
        whole = chosen is not None and chosen.shows_body(upright.image.shape)
        if chosen is not None and (subject == BODY or (subject == AUTO and whole)):
            return self._body(upright, label, chosen, people, subject)
        if chosen is not None and chosen.face is None:
            raise NoFaceError(f"{label} shows neither a face nor the hips and knees of the person; use a photo that shows either.")
        face = None if chosen is None else next(one for one, same in zip(faces, turned, strict=True) if same is chosen.face)
        if whole and face is not None and face.size < MIN_FACE:
            raise NoFaceError(f"The face in {label} is only {face.size:.0f} pixels high, {MIN_FACE} are needed; choose the subject body.")
        view = self._head(photo, label, faces, face, found)
        return replace(view, people=len(counted), notes=_note(chosen, whole, subject, label, upright.image.shape))

    def people(self, photo: Photo) -> list[Person]:
        """Everybody in a photo, from left to right, as `subject` counts them if heads and bodies are wanted."""
        faces = self.detector.detect(photo.image)
        upright = [face for face in faces if not face.roll]
        bodies = not faces or any(may_show_body(face, photo.image.shape) for face in upright)
        return self.persons.people(photo.image, faces) if bodies else [Person(face) for face in faces]

    def figure(self, image: np.ndarray, name: str) -> BodyView:
        """The largest person's body in an upright (H, W, 3) uint8 sRGB picture in memory. Raises NoFaceError."""
        view = self.subject(Photo(np.ascontiguousarray(image), None, None, name), name, BODY, -1)
        assert isinstance(view, BodyView)
        return view

    def view(
        self, image: np.ndarray, name: str, alpha: np.ndarray | None = None, focal_35mm: float | None = None, subject: int = -1
    ) -> View:  # fmt: skip
        """As load, for an upright (H, W, 3) uint8 sRGB picture in memory with alpha (H, W) float32 in [0, 1] or None; focal_35mm:
        millimetres on 35 mm film, or None when unknown."""
        return self._view(Photo(np.ascontiguousarray(image), alpha, focal_35mm, name), name, subject)

    def face_at(self, image: np.ndarray, name: str, pixel: np.ndarray, least: float) -> View | None:
        """As view, of the upright face over a pixel (2,), or None where there is none whose longer side has `least` pixels."""
        if min(image.shape[:2]) < least:
            return None
        faces = self.detector.detect(image)
        apart = [float(np.linalg.norm(face.mesh[:, :2].mean(0) - pixel)) / face.size for face in faces]
        chosen = faces[int(np.argmin(apart))] if faces else None
        if chosen is None or min(apart) > 1 or chosen.size < least or chosen.roll:
            return None
        return self._head(Photo(image, None, None, name), name, faces, chosen, least=least)

    def _view(self, photo: Photo, label: str, subject: int) -> View:
        faces = self.detector.detect(photo.image)
        chosen = _chosen([Person(face) for face in faces], subject, HEAD, label)
        return self._head(photo, label, faces, None if chosen is None else chosen.face)

    def _head(
        self,
        photo: Photo,
        label: str,
        faces: list[Face],
        chosen: Face | None,
        found: Callable[[View], None] | None = None,
        least: float = MIN_FACE,
    ) -> View:
        if chosen is None:
            if photo.alpha is not None:
                hidden = np.mean(photo.alpha == 0)
                raise NoSubjectError(
                    f"No face was found in {label}, of which {hidden:.0%} is transparent; use a photo that shows the face, or save it "
                    "without transparency."
                )
            raise NoSubjectError(f"No face was found in {label}; use a photo that shows the face clearly and from the front.")
        _check_size(faces, chosen, label, least)
        turns = chosen.roll
        image = np.ascontiguousarray(np.rot90(photo.image, turns))
        face = self.detector.with_all_landmarks(image, chosen.turned(turns, photo.image.shape))
        others = [one.turned(turns, photo.image.shape) for one in faces if one is not chosen]
        doubts = _doubts(image, face, label)
        alpha = None if photo.alpha is None else np.ascontiguousarray(np.rot90(photo.alpha, turns))
        if alpha is not None and not _shows(alpha, face):
            doubts.append(f"The transparency of {label} hides the face and was ignored.")
            alpha = None
        if found is not None:
            found(View(image, rough_matte(image, face, self._segmenter), face.landmarks, _focal(photo), photo.name, modelled=face.modelled))
        matte, parsing = segment(image, face, self.parser or self._segmenter, others)
        if alpha is not None:
            matte = alpha if not others and _cuts_out(alpha, head_region(face)) else matte * alpha
        scatter, warnings = self.detector.scatter(image, face), (*photo.warnings, *doubts)
        return View(image, matte, face.landmarks, _focal(photo), photo.name, warnings, turns, scatter, parsing, face.modelled)

    def _body(self, photo: Photo, label: str, person: Person, people: Sequence[Person], subject: str) -> BodyView:
        body, image = person.body, photo.image
        if body is None:
            raise NoFaceError(f"No body was found in {label}; use a photo that shows the whole person, or choose the subject head.")
        if _TALL * body.torso < MIN_BODY:
            raise NoFaceError(f"The person in {label} is too small; use a photo in which it is {MIN_BODY} pixels tall or more.")
        others = [one.body for one in people if one is not person and one.body is not None]
        matte, parsing = segment_figure(image, body, self.body_parser or self._segmenter, others)
        doubts = []
        if photo.alpha is not None:
            if photo.alpha[tuple(np.clip(body.hips[::-1].astype(int), 0, np.array(photo.alpha.shape) - 1))] < 0.5:
                doubts.append(f"The transparency of {label} hides the person and was ignored.")
            else:
                matte = photo.alpha if not others and _cuts_out(photo.alpha, figure_square(body)) else matte * photo.alpha
        if _TALL * body.torso < GOOD_BODY:
            doubts.append(f"The person in {label} is small ({_TALL * body.torso:.0f} pixels); a larger one gives more detail.")
        found = self.persons.reader.readings(image, matte_box(matte))
        readings = [one for one in found if np.linalg.norm(one.hips - body.hips) < _OWN * body.torso]
        hands = self.persons.hands.hands(image, combined(readings or [body]))
        notes = (f"{label} shows a whole person, so the body was made; choose the subject head for the head alone.",)
        return BodyView(
            image=image,
            matte=matte,
            readings=tuple(readings or [body]),
            focal=_focal(photo),
            name=photo.name,
            parsing=parsing,
            hands=hands,
            people=len(people),
            beside=sum(_overlap(matte_box(matte), one) for one in others),
            notes=notes if subject == AUTO else (),
            warnings=(*photo.warnings, *doubts),
        )


def _focal(photo: Photo) -> float | None:
    """Pixels, or None when unknown."""
    return photo.focal_35mm and photo.focal_35mm / FULL_FRAME * max(photo.image.shape[:2])


def _overlap(box: tuple[float, float, float, float], other: BodyLandmarks) -> bool:
    """Whether somebody else's trunk or head reaches into a person's box."""
    left, top, right, bottom = box
    inside = ((other.points >= [left, top]) & (other.points <= [right, bottom])).all(1)
    return bool(inside[[0, 11, 12, 23, 24]].any())


def _chosen(people: Sequence[Person], person: int, subject: str, label: str) -> Person | None:
    """The person of that number, or the largest; None where there is nobody. Raises NoSubjectError for a number that nobody has."""
    if not people and subject != HEAD:
        raise NoSubjectError(f"Nobody was found in {label}; use a photo that shows the face clearly, or the whole person.")
    if person >= len(people) > 0:
        what = ("face", "faces") if all(one.body is None for one in people) or subject == HEAD else ("person", "people")
        count, choice = (f"1 {what[0]}", "0") if len(people) == 1 else (f"{len(people)} {what[1]}", f"one from 0 to {len(people) - 1}")
        raise NoSubjectError(f"{label} shows {count}, so there is no subject {person}; choose {choice}.")
    if not people:
        return None
    return people[person] if person >= 0 else max(people, key=lambda one: one.size)


def _note(chosen: Person | None, whole: bool, subject: str, label: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    """What is to be said when the head of a person is made whose body may be seen too."""
    if chosen is None or chosen.body is None:
        return ()
    if whole:
        return (f"{label} shows a whole person, of whom only the head was made; choose the subject body for all of it.",)
    if subject == AUTO and chosen.body.seen(shape)[[23, 24]].any():
        return (f"The knees of the person in {label} are not seen, so the head was made; choose the subject body for all of it.",)
    return ()


def _check_size(faces: Sequence[Face], face: Face, label: str, least: float) -> None:
    if face.size < least:
        which = "largest face" if len(faces) > 1 and face is max(faces, key=lambda one: one.size) else "face"
        raise NoFaceError(f"The {which} in {label} is only {face.size:.0f} pixels high; use a photo in which it has {least:.0f} or more.")


def _shows(alpha: np.ndarray, face: Face) -> bool:
    rows, columns = (np.clip(face.mesh[:, axis].astype(int), 0, alpha.shape[1 - axis] - 1) for axis in (1, 0))
    return float(alpha[rows, columns].mean()) > 0.5


def _cuts_out(alpha: np.ndarray, square: tuple[int, int, int]) -> bool:
    """Whether alpha is a cut-out of the person, not only rounded corners or a faded border."""
    left, top, side = square
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
