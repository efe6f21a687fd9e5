"""Who is in a photo: faces and bodies, put together into people from left to right."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .faces import Face
from .hands import HandDetector
from .mediapipe_parts import mediapipe_solutions
from .people import BodyDetector, BodyLandmarks

_FACE_SHARE = 0.37  # of a face's height in the way from the shoulders to the hips
_BODY_ROOM = 3.5  # heights of the face below its middle: a photo with less of them cannot show the knees, however the person sits
_SURE, _THIGH = 0.9, 0.6  # visibility of a knee; lengths of the torso: of people standing .97 and .7, of half figures .93 and .5 at most
_REACH = 1.25  # half a framing's side over the radius that the detector draws around the hips
_FACE_REACH, _FACE_DROP = 4.5, 3.0  # the same, and the way down to its middle, in heights of a face that no box belongs to
_SAME_HIPS = 0.5  # of that radius: a reading whose hips lie farther off is of somebody else
_SAME_HEAD = 1.0  # heights of the face between it and the head of a body that are one person's
_GRAPH = """
input_stream: "image"
output_stream: "detections"
node { calculator: "PoseDetectionCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections" }
"""


@dataclass(frozen=True)
class PersonBox:
    """Where the detector sees a person, photo pixels. hips (2,): their middle; radius: of a circle around the whole body; score in
    [0, 1]."""

    hips: np.ndarray
    radius: float
    score: float


@dataclass(frozen=True)
class Person:
    """One person in a photo, photo pixels; at least one of face and body is there."""

    face: Face | None = None
    body: BodyLandmarks | None = None

    @property
    def column(self) -> float:
        """Where the head is, by which people are counted from the left."""
        return float(self.face.mesh[:, 0].mean() if self.face is not None else _head(self.body)[0] if self.body is not None else 0.0)

    @property
    def size(self) -> float:
        """Height of the face in pixels, or what it would be where only the body is found."""
        if self.face is not None:
            return self.face.size
        return 0.0 if self.body is None else _FACE_SHARE * self.body.torso

    def shows_body(self, shape: tuple[int, ...]) -> bool:
        """Whether a picture of this shape surely shows a hip and the knee below it, on a thigh that does not point to the camera."""
        if self.body is None:
            return False
        body, seen = self.body, self.body.seen(shape)
        thighs = np.linalg.norm(body.points[[25, 26]] - body.points[[23, 24]], axis=1)
        sure = (body.visibility[[25, 26]] > _SURE) & (thighs > _THIGH * body.torso)
        return bool((seen[[23, 24]] & seen[[25, 26]] & sure).any())


class PersonDetector:
    """MediaPipe's networks that find people and read one of them, each loaded when it is first used. Not safe to share between threads."""

    @cached_property
    def reader(self) -> BodyDetector:
        """Reads the landmarks of one person."""
        return BodyDetector()

    def unload(self) -> None:
        """Lets go of what reads a person's landmarks, 0.12 GB, until it is used again; that takes 0.2 s."""
        self.__dict__.pop("reader", None)

    @cached_property
    def hands(self) -> HandDetector:
        """Reads hands."""
        return HandDetector()

    @cached_property
    def _graph(self) -> Any:
        with mediapipe_solutions():
            from google.protobuf import text_format
            from mediapipe.framework import calculator_pb2
            from mediapipe.python.solution_base import PacketDataType, SolutionBase

            config: Any = calculator_pb2.CalculatorGraphConfig()  # pyright: ignore[reportAttributeAccessIssue]
            text_format.Parse(_GRAPH, config)
            graph: Any = SolutionBase(
                graph_config=config, stream_type_hints={"detections": PacketDataType.PROTO_LIST}, outputs=["detections"]
            )
            graph.process(np.zeros((64, 64, 3), np.uint8))
            return graph

    def boxes(self, image: np.ndarray) -> list[PersonBox]:
        """Of the people in an (H, W, 3) uint8 picture, the surest first; a hundredth of a second."""
        size = np.array([image.shape[1], image.shape[0]], float)
        found = []
        for detection in self._graph.process(np.ascontiguousarray(image)).detections or []:
            hips, reach = (np.array([point.x, point.y]) * size for point in detection.location_data.relative_keypoints[:2])
            found.append(PersonBox(hips, float(np.linalg.norm(reach - hips)), float(detection.score[0])))
        return sorted(found, key=lambda box: -box.score)

    def people(self, image: np.ndarray, faces: Sequence[Face]) -> list[Person]:
        """Everybody in an (H, W, 3) uint8 picture in which these faces, upright ones, were found, from left to right."""
        bodies: list[BodyLandmarks] = []
        for box in self.boxes(image):
            self._add(image, box.hips, _REACH * box.radius, box.hips, _SAME_HIPS * box.radius, bodies)
        for face in faces:
            if all(_apart(face, body) > _SAME_HEAD for body in bodies) and may_show_body(face, image.shape):
                middle = face.mesh[:, :2].mean(0)
                self._add(image, middle + np.array([0, _FACE_DROP * face.size]), _FACE_REACH * face.size, None, 0.0, bodies, face)
        return paired(faces, bodies)

    def _add(
        self,
        image: np.ndarray,
        middle: np.ndarray,
        half: float,
        hips: np.ndarray | None,
        tolerance: float,
        bodies: list[BodyLandmarks],
        face: Face | None = None,
    ) -> None:
        """Adds the body read in a square, unless it is another's than the one who is looked for, or known already."""
        body = self.reader.read_square(image, middle, 2 * half)
        if body is None or (hips is not None and np.linalg.norm(body.hips - hips) > tolerance):
            return
        if face is not None and _apart(face, body) > _SAME_HEAD:
            return
        if all(np.linalg.norm(body.points - other.points, axis=1).mean() > 0.5 * other.torso for other in bodies):
            bodies.append(body)


def paired(faces: Sequence[Face], bodies: Sequence[BodyLandmarks]) -> list[Person]:
    """People from left to right, each face with the nearest body whose head is there."""
    left, people = list(bodies), []
    for face in sorted(faces, key=lambda one: -one.size):
        near = min(left, key=lambda body: _apart(face, body), default=None)
        if near is not None and _apart(face, near) <= _SAME_HEAD:
            left = [body for body in left if body is not near]
        else:
            near = None
        people.append(Person(face, near))
    return sorted([*people, *(Person(None, body) for body in left)], key=lambda person: person.column)


def may_show_body(face: Face, shape: tuple[int, ...]) -> bool:
    """Whether there is room for hips and knees below an upright face in a picture of this shape."""
    return (shape[0] - float(face.mesh[:, 1].mean())) > _BODY_ROOM * face.size


def _head(body: BodyLandmarks) -> np.ndarray:
    return body.points[:11].mean(0)


def _apart(face: Face, body: BodyLandmarks) -> float:
    """From the face to the body's head, in heights of the face."""
    return float(np.linalg.norm(face.mesh[:, :2].mean(0) - _head(body)) / max(face.size, 1e-6))
