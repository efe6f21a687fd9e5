"""Faces and their 468 landmarks, behind a small protocol so that another detector can take MediaPipe's place."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from .crop import FaceSquare

RIGHT_EYE_CORNER, LEFT_EYE_CORNER = 33, 263
"""Outer corners of the person's right and left eye in MediaPipe's numbering."""

_LANDMARKS = 468
_IRISES = (473, 468)  # after the landmarks: centres of the left and the right one
_DETECTION_SIDE = 1280
_CROP_SIDE = 384
_CROP_MARGIN = 2.0
_MIN_SCORE = 0.5
_TRIES = ((0.0, 0.0, 1.0), (0.06, 0.0, 1.0), (-0.06, 0.0, 1.0), (0.0, 0.06, 1.0), (0.0, -0.06, 1.0), (0.0, 0.0, 1.15), (0.0, 0.0, 0.9))
"""Shifts, in sides of the face, and zooms of the squares for `scatter`."""
_LOST = 0.1  # the scatter of a face that is not found in each of them
_MAX_FACES = 16
_MIN_SIDE = 32  # smaller pictures cannot hold a usable face and upset the detector's graph


@dataclass(frozen=True)
class Face:
    """One face in the pixels of the picture given to the detector.

    landmarks: (468, 3) float32 column, row, and z in the same unit, growing towards the viewer. score: detector's confidence in [0, 1].
    irises: (2, 3), centres of the person's left and right iris like landmarks, or None from a detector that does not see them.
    """

    landmarks: np.ndarray
    score: float
    irises: np.ndarray | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the landmarks."""
        low, high = self.landmarks[:, :2].min(0), self.landmarks[:, :2].max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def size(self) -> float:
        """Longer side of the box, pixels."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)

    @property
    def tilt(self) -> float:
        """Angle of the eye line, radians; positive when the face leans clockwise on the screen."""
        across = _eye_line(self.landmarks)
        return float(np.arctan2(across[1], across[0]))

    @property
    def roll(self) -> int:
        """Counter-clockwise quarter turns of the picture (0..3) that bring the face nearest to upright."""
        return round(self.tilt / (np.pi / 2)) % 4

    def turned(self, turns: int, shape: tuple[int, ...]) -> "Face":
        """The same face after `np.rot90(picture, turns)` of a picture of the given (rows, columns, ...)."""
        irises = None if self.irises is None else _turn(self.irises, turns, shape)
        return Face(_turn(self.landmarks, turns, shape), self.score, irises)


class FaceDetector(Protocol):
    """Anything that finds faces with MediaPipe's 468 landmarks."""

    def detect(self, image: np.ndarray) -> list[Face]:
        """Faces, sorted from left to right, of an (H, W, 3) uint8 picture in which people may also lie sideways or upside down."""
        ...


class MediaPipeDetector:
    """The models bundled with MediaPipe 0.10.21: full-range face detection, then the attention face mesh on a levelled crop.

    The detector looks at all four quarter turns, since it misses faces that are far from upright and the mesh is silently wrong on them.
    Its key points give the crop, the mesh is run twice, the second time on a crop levelled and centred by the first result.
    Not safe to share between threads.
    """

    def __init__(self) -> None:
        with quiet_libraries():
            import mediapipe  # an import of a second or more

            solutions: Any = mediapipe.solutions  # pyright: ignore[reportAttributeAccessIssue]
            self._detector = solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=_MIN_SCORE)
            self._mesh = solutions.face_mesh.FaceMesh(
                static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.3
            )
            blank = np.zeros((64, 64, 3), np.uint8)
            self._detector.process(blank)
            self._mesh.process(blank)

    def detect(self, image: np.ndarray) -> list[Face]:
        """See FaceDetector."""
        if min(image.shape[:2]) < _MIN_SIDE:
            return []
        faces: list[Face] = []
        for score, centre, side, tilt in self._candidates(image):
            mesh = self._mesh_around(image, centre, side, tilt)
            if mesh is None or not _inside(mesh, image) or any(_same(mesh[:_LANDMARKS], face) for face in faces):
                continue
            faces.append(_face(mesh, score))
        return sorted(faces, key=lambda face: face.landmarks[:, 0].mean())

    def follow(self, image: np.ndarray, face: Face) -> Face | None:
        """The face of a video's last picture in its next one, looked for where it was; None when it is not there. Keeps the score.

        Several times quicker than `detect`, and it stays with one person among several.
        """
        return self._look(image, _level_square(face.landmarks), face.score)

    def look(self, image: np.ndarray, square: FaceSquare) -> Face | None:
        """The face that lies in a square; None when none does."""
        return self._look(image, (np.array(square.centre), square.face_side, square.turn), 1.0)

    def scatter(self, image: np.ndarray, face: Face) -> float:
        """How far a face's landmarks wander when the square in which they are looked for is moved or resized a little: root mean square as
        a share of the distance between the eye corners, in the quarter of the face where it is largest.

        Those of a face in full view hardly do. Where a mask, a hand or a board covers it, they are guessed anew each time.
        """
        centre, side, tilt = _level_square(face.landmarks)
        meshes = [self._mesh_in_crop(image, centre + np.array(shift) * side, side * _CROP_MARGIN * zoom, tilt) for *shift, zoom in _TRIES]
        found = np.array([mesh[:_LANDMARKS] for mesh in meshes if mesh is not None])
        if len(found) < len(meshes):
            return _LOST
        wander = np.linalg.norm((found - found.mean(0))[..., :2], axis=2) / np.linalg.norm(_eye_line(face.landmarks))
        wander = np.sqrt((wander**2).mean(0))
        right, low = ((face.landmarks[:, :2] - centre) @ _rotation(-tilt).T).T > 0
        return float(max(np.median(wander[half & part]) for half in (right, ~right) for part in (low, ~low)))

    def _look(self, image: np.ndarray, where: tuple[np.ndarray, float, float], score: float) -> Face | None:
        if min(image.shape[:2]) < _MIN_SIDE:
            return None
        mesh = self._mesh_around(image, *where)
        return None if mesh is None or not _inside(mesh, image) else _face(mesh, score)

    def _candidates(self, image: np.ndarray) -> list[tuple[float, np.ndarray, float, float]]:
        """Score, centre (2,), side and tilt of possible faces, best first; the same face may come from several turns."""
        height, width = image.shape[:2]
        scale = min(1.0, _DETECTION_SIDE / max(height, width))
        small = image
        if scale < 1:
            small = cv2.resize(image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
        found = []
        # A face that fills the frame is found only with some room around it, so the padded picture is the second try.
        for margin in (0, max(small.shape[:2]) // 2):
            padded = cv2.copyMakeBorder(small, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
            for turns in range(4):
                turned = np.ascontiguousarray(np.rot90(padded, turns))
                for score, box, eyes in self._detections(turned):
                    across = eyes[1] - eyes[0]
                    lean = float(np.arctan2(across[1], across[0]))
                    points = _turn(np.stack([box[:2] + box[2:] / 2, *eyes]), -turns, turned.shape) - margin
                    across = points[2] - points[1]
                    # A turn in which the face leans less is the better witness at the same score.
                    rank = score - abs(lean) / np.pi
                    found.append((rank, score, points[0] / scale, float(max(box[2:])) / scale, float(np.arctan2(across[1], across[0]))))
            if found:
                break
        found.sort(key=lambda candidate: -candidate[0])
        return [candidate[1:] for candidate in found[: 4 * _MAX_FACES]]

    def _detections(self, image: np.ndarray) -> list[tuple[float, np.ndarray, np.ndarray]]:
        """Score, box (left, top, width, height) and the right and left eye (2, 2), in pixels."""
        size = np.array([image.shape[1], image.shape[0]], float)
        results = []
        for detection in self._detector.process(image).detections or []:
            location = detection.location_data
            box = location.relative_bounding_box
            points = np.array([[point.x, point.y] for point in location.relative_keypoints[:2]]) * size
            results.append((float(detection.score[0]), np.array([box.xmin, box.ymin, box.width, box.height]) * [*size, *size], points))
        return results

    def _mesh_around(self, image: np.ndarray, centre: np.ndarray, side: float, tilt: float) -> np.ndarray | None:
        mesh = None
        for _ in range(2):
            mesh = self._mesh_in_crop(image, centre, side * _CROP_MARGIN, tilt)
            if mesh is None:
                return None
            centre, side, tilt = _level_square(mesh[:_LANDMARKS])
        return mesh

    def _mesh_in_crop(self, image: np.ndarray, centre: np.ndarray, side: float, tilt: float) -> np.ndarray | None:
        """Landmarks and irises (478, 3) in the picture's pixels, from a square crop that is turned by tilt."""
        scale = _CROP_SIDE / side
        reach = side * 0.75  # a turned square fits in; cutting first also keeps within the 32,767 pixels that OpenCV can warp
        left, top = (int(value) for value in np.maximum(centre - reach, 0))
        source = image[top : max(int(centre[1] + reach) + 1, 0), left : max(int(centre[0] + reach) + 1, 0)]
        if source.size == 0:
            return None
        ratio = np.ones(2)
        if scale < 0.5:  # warping alone would alias
            rows, columns = (max(1, round(length * scale)) for length in source.shape[:2])
            ratio = np.array([columns / source.shape[1], rows / source.shape[0]])
            source = cv2.resize(source, (columns, rows), interpolation=cv2.INTER_AREA)
        # crop = linear @ photo + shift with pixel centres at +0.5; OpenCV counts them from 0.
        linear = _rotation(-tilt) * scale
        shift = _CROP_SIDE / 2 - linear @ centre
        warp = np.column_stack([linear / ratio, linear @ ([left, top] + 0.5 / ratio) + shift - 0.5])
        crop = cv2.warpAffine(source, warp, (_CROP_SIDE, _CROP_SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        meshes = self._mesh.process(crop).multi_face_landmarks
        if not meshes:
            return None
        points = np.array([[point.x, point.y, point.z] for point in meshes[0].landmark]) * _CROP_SIDE
        flat = np.linalg.solve(linear, (points[:, :2] - shift).T).T
        return np.concatenate([flat, -points[:, 2:] / scale], axis=1).astype(np.float32)


def _face(mesh: np.ndarray, score: float) -> Face:
    return Face(mesh[:_LANDMARKS], score, mesh[list(_IRISES)])


def _eye_line(landmarks: np.ndarray) -> np.ndarray:
    return landmarks[LEFT_EYE_CORNER] - landmarks[RIGHT_EYE_CORNER]


def _level_square(landmarks: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Centre (2,), side and tilt of the square that holds the landmarks when it leans like the face."""
    tilt = Face(landmarks, 0.0).tilt
    level = landmarks[:, :2] @ _rotation(-tilt).T
    low, high = level.min(0), level.max(0)
    return _rotation(tilt) @ ((low + high) / 2), float((high - low).max()), tilt


def _rotation(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])


def _turn(points: np.ndarray, turns: int, shape: tuple[int, ...]) -> np.ndarray:
    """Where points (N, 2 or 3) of a picture of the given shape lie after np.rot90(picture, turns)."""
    height, width = shape[:2]
    points = points.copy()
    for _ in range(turns % 4):
        points[:, 0], points[:, 1] = points[:, 1].copy(), width - points[:, 0]
        height, width = width, height
    return points


def _inside(landmarks: np.ndarray, image: np.ndarray) -> bool:
    column, row = landmarks[:, :2].mean(0)
    return bool(0 < column < image.shape[1] and 0 < row < image.shape[0])


def _same(landmarks: np.ndarray, face: Face) -> bool:
    """Whether two meshes lie on the same face: their centres are closer than half a face."""
    apart = np.linalg.norm(landmarks[:, :2].mean(0) - face.landmarks[:, :2].mean(0))
    return bool(apart < 0.5 * max(face.size, Face(landmarks, 0.0).size))


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keeps the start-up chatter of MediaPipe's C++ parts, which no log level silences, from file descriptor 2."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
