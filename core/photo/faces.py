"""Faces and their 468 landmarks, behind a small protocol so that another detector can take MediaPipe's place."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import cv2
import numpy as np

from .crop import FaceSquare
from .landmarks import IRISES, MEDIAPIPE, Landmarks
from .mediapipe_parts import mediapipe_solutions
from .search import Candidate, search_passes, turn_points

RIGHT_EYE_CORNER, LEFT_EYE_CORNER = 33, 263
"""Outer corners of the person's right and left eye in MediaPipe's numbering."""

_POINTS = 468
_IRIS_CENTRES = (473, 468)  # after the mesh: of the left and the right one
_CROP_SIDE, _CROP_MARGIN = 384, 2.0
_JUDGED_SIDE, _JUDGED_MARGIN = 192, 1.5
# Of 208 portraits read both ways in this crop, the right way had a confidence of 0.88 or more, the wrong one 0.84 or less.
_SURE = 0.86
_MIN_SCORE, _MIN_CONFIDENCE = 0.5, 0.3
_MIN_CONFIDENCE_CLOSER = 0.8  # among hundreds of tiles and turns many take something else for a face, with 0.6 on the whole
_TURNED_DOUBT = 0.03
_MAX_FACES = 64
_TRIES = ((0.0, 0.0, 1.0), (0.06, 0.0, 1.0), (-0.06, 0.0, 1.0), (0.0, 0.06, 1.0), (0.0, -0.06, 1.0), (0.0, 0.0, 1.15), (0.0, 0.0, 0.9))
"""Shifts, in sides of the face, and zooms of the squares for `scatter`."""
_LOST = 0.1  # the scatter of a face that is not found in each of them
_MIN_SIDE = 32  # smaller pictures cannot hold a usable face and upset the detector's graph


@dataclass(frozen=True)
class Face:
    """One face in the pixels of the picture given to the detector.

    landmarks: float32 points by kind; MediaPipe's mesh is always there. score: detector's confidence in [0, 1]. modelled: MediaPipe did not
    find the face, and its mesh is that of a head model fitted to another detector's landmarks.
    """

    landmarks: Landmarks
    score: float
    modelled: bool = False

    @property
    def mesh(self) -> np.ndarray:
        """MediaPipe's landmarks (468, 3)."""
        return self.landmarks[MEDIAPIPE]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the landmarks."""
        low, high = self.mesh[:, :2].min(0), self.mesh[:, :2].max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def size(self) -> float:
        """Longer side of the box, pixels."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)

    @property
    def tilt(self) -> float:
        """Angle of the eye line, radians; positive when the face leans clockwise on the screen."""
        return _tilt(self.mesh)

    @property
    def roll(self) -> int:
        """Counter-clockwise quarter turns of the picture (0..3) that bring the face nearest to upright."""
        return round(self.tilt / (np.pi / 2)) % 4

    def turned(self, turns: int, shape: tuple[int, ...]) -> "Face":
        """The same face after `np.rot90(picture, turns)` of a picture of the given (rows, columns, ...)."""
        return replace(self, landmarks={kind: turn_points(points, turns, shape) for kind, points in self.landmarks.items()})


class FaceDetector(Protocol):
    """Anything that finds faces with MediaPipe's 468 landmarks."""

    def detect(self, image: np.ndarray) -> list[Face]:
        """Faces, sorted from left to right, of an (H, W, 3) uint8 picture in which people may also lie sideways or upside down."""
        ...

    def with_all_landmarks(self, image: np.ndarray, face: Face) -> Face:
        """An upright face of the picture with all landmarks that the detector knows of one chosen face; by default those it has."""
        return face

    def scatter(self, image: np.ndarray, face: Face) -> float | None:
        """How far the landmarks of an upright face wander when they are read again, as in View; None, by default, when unknown."""
        return None


class MediaPipeDetector(FaceDetector):
    """The models bundled with MediaPipe 0.10.21: full-range face detection, then the attention face mesh on a levelled crop.

    The full-range detector reads all four quarter turns, since it misses faces that are far from upright and the mesh is silently wrong
    on them. Its key points give the crop, the mesh is run twice, the second time on a crop levelled and centred by the first result.
    It often finds an upright face upside down as well, sometimes with the better score, and the mesh follows. The short-range detector,
    which knows faces as large as they are in the crop, tells such readings of one face apart.
    Not safe to share between threads.
    """

    def __init__(self) -> None:
        with mediapipe_solutions() as solutions:
            self._far = solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=_MIN_SCORE)
            self._near = solutions.face_detection.FaceDetection(model_selection=0, min_detection_confidence=_MIN_CONFIDENCE)
            self._mesh = solutions.face_mesh.FaceMesh(
                static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.3
            )
            blank = np.zeros((64, 64, 3), np.uint8)
            for graph in (self._far, self._near, self._mesh):
                graph.process(blank)

    def detect(self, image: np.ndarray, closer: bool = True) -> list[Face]:
        """See FaceDetector. closer: search parts of the picture too when its faces are small or none; up to a second."""
        if min(image.shape[:2]) < _MIN_SIDE:
            return []
        faces: list[Face] = []
        least = _MIN_CONFIDENCE
        for candidates, reliable in search_passes(image, lambda picture: _detections(self._far, picture)):
            for candidate in candidates[: 4 * _MAX_FACES]:
                self._read(image, candidate, faces, least)
            # People in a photo are rarely more than twice as near as each other, and all of a crowd are to be counted.
            if not closer or max((face.size for face in faces), default=0.0) / 2 >= reliable:
                break
            least = _MIN_CONFIDENCE_CLOSER
        return sorted(faces, key=lambda face: face.mesh[:, 0].mean())

    def follow(self, image: np.ndarray, face: Face) -> Face | None:
        """The face of a video's last picture in its next one, searched where it was; None when it is not there. Keeps the score.

        Several times quicker than `detect`, and it stays with one person among several.
        """
        return self._detect_around(image, _level_square(face.mesh), face.score)

    def detect_in(self, image: np.ndarray, square: FaceSquare) -> Face | None:
        """The face that lies in a square; None when none does."""
        return self._detect_around(image, (np.array(square.centre), square.face_side, square.turn), 1.0)

    def scatter(self, image: np.ndarray, face: Face) -> float:
        """How far a face's landmarks wander when the square in which they are read is moved or resized a little: root mean square as a
        share of the distance between the eye corners, in the quarter of the face where it is largest.

        Those of a face in full view hardly do. Where a mask, a hand or a board covers it, they are guessed anew each time.
        """
        centre, side, tilt = _level_square(face.mesh)
        meshes = [self._mesh_in_crop(image, centre + np.array(shift) * side, side * _CROP_MARGIN * zoom, tilt) for *shift, zoom in _TRIES]
        found = np.array([mesh[:_POINTS] for mesh in meshes if mesh is not None])
        if len(found) < len(meshes):
            return _LOST
        wander = np.linalg.norm((found - found.mean(0))[..., :2], axis=2) / np.linalg.norm(_eye_line(face.mesh))
        wander = np.sqrt((wander**2).mean(0))
        right, low = ((face.mesh[:, :2] - centre) @ _rotation(-tilt).T).T > 0
        return float(max(np.median(wander[half & part]) for half in (right, ~right) for part in (low, ~low)))

    def _detect_around(self, image: np.ndarray, where: tuple[np.ndarray, float, float], score: float) -> Face | None:
        if min(image.shape[:2]) < _MIN_SIDE:
            return None
        mesh = self._mesh_around(image, *where)
        return None if mesh is None or not _inside(mesh, image) else _face(mesh, score)

    def _read(self, image: np.ndarray, candidate: Candidate, faces: list[Face], least: float) -> None:
        """Adds the candidate's face, or puts it in the place of a less likely reading of the same face. least: score that it needs."""
        if len(faces) == _MAX_FACES or any(_explains(face, candidate) for face in faces):
            return
        for turn in (0.0, np.pi):  # the detector may find a face upside down only
            mesh = self._mesh_around(image, candidate.centre, candidate.side, candidate.tilt + turn)
            if mesh is None or not _inside(mesh, image):
                continue
            face = _face(mesh, self._confidence(image, mesh[:_POINTS]))
            if face.score >= least and all(_likelihood(face) > _likelihood(one) for one in faces if _same(face, one)):
                faces[:] = [one for one in faces if not _same(face, one)] + [face]
            if face.score >= _SURE:
                return

    def _confidence(self, image: np.ndarray, landmarks: np.ndarray) -> float:
        """Score of the upright face that the short-range detector finds when the picture is levelled by a mesh; 0 when it finds none."""
        centre, side, tilt = _level_square(landmarks)
        crop, _, _ = _levelled(image, centre, side * _JUDGED_MARGIN, tilt, _JUDGED_SIDE)
        upright = [score for score, _, eyes in _detections(self._near, crop) if eyes[1, 0] - eyes[0, 0] > abs(eyes[1, 1] - eyes[0, 1])]
        return max(upright, default=0.0)

    def _mesh_around(self, image: np.ndarray, centre: np.ndarray, side: float, tilt: float) -> np.ndarray | None:
        mesh = None
        for _ in range(2):
            mesh = self._mesh_in_crop(image, centre, side * _CROP_MARGIN, tilt)
            if mesh is None:
                return None
            centre, side, tilt = _level_square(mesh[:_POINTS])
        return mesh

    def _mesh_in_crop(self, image: np.ndarray, centre: np.ndarray, side: float, tilt: float) -> np.ndarray | None:
        """Landmarks and irises (478, 3) in the picture's pixels, from a square crop that is turned by tilt."""
        crop, linear, shift = _levelled(image, centre, side, tilt, _CROP_SIDE)
        meshes = self._mesh.process(crop).multi_face_landmarks
        if not meshes:
            return None
        points = np.array([[point.x, point.y, point.z] for point in meshes[0].landmark]) * _CROP_SIDE
        flat = np.linalg.solve(linear, (points[:, :2] - shift).T).T
        return np.concatenate([flat, -points[:, 2:] * (side / _CROP_SIDE)], axis=1).astype(np.float32)


def _detections(graph: Any, image: np.ndarray) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """What one of MediaPipe's face detectors finds, as in search.Detections."""
    size = np.array([image.shape[1], image.shape[0]], float)
    results = []
    for detection in graph.process(image).detections or []:
        location = detection.location_data
        box = location.relative_bounding_box
        points = np.array([[point.x, point.y] for point in location.relative_keypoints[:2]]) * size
        results.append((float(detection.score[0]), np.array([box.xmin, box.ymin, box.width, box.height]) * [*size, *size], points))
    return results


def _levelled(image: np.ndarray, centre: np.ndarray, side: float, tilt: float, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The square of a picture around `centre` that leans by `tilt`, as a (size, size, 3) crop, and the map into it: crop = linear (2, 2) @
    point + shift (2,), pixel centres at +0.5. Beyond the picture's edges their pixels are repeated."""
    scale = size / side
    linear = _rotation(-tilt) * scale
    shift = size / 2 - linear @ centre
    reach = side * 0.75  # a turned square fits in; cutting first also keeps within the 32,767 pixels that OpenCV can warp
    left, top = (int(value) for value in np.maximum(centre - reach, 0))
    source = image[top : max(int(centre[1] + reach) + 1, 0), left : max(int(centre[0] + reach) + 1, 0)]
    if source.size == 0:
        return np.zeros((size, size, 3), np.uint8), linear, shift
    ratio = np.ones(2)
    if scale < 0.5:  # warping alone would alias
        rows, columns = (max(1, round(length * scale)) for length in source.shape[:2])
        ratio = np.array([columns / source.shape[1], rows / source.shape[0]])
        source = cv2.resize(source, (columns, rows), interpolation=cv2.INTER_AREA)
    # OpenCV counts pixel centres from 0.
    warp = np.column_stack([linear / ratio, linear @ ([left, top] + 0.5 / ratio) + shift - 0.5])
    crop = cv2.warpAffine(source, warp, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop, linear, shift


def _face(mesh: np.ndarray, score: float) -> Face:
    return Face({MEDIAPIPE: mesh[:_POINTS], IRISES: mesh[list(_IRIS_CENTRES)]}, score)


def _eye_line(landmarks: np.ndarray) -> np.ndarray:
    return landmarks[LEFT_EYE_CORNER] - landmarks[RIGHT_EYE_CORNER]


def _tilt(landmarks: np.ndarray) -> float:
    across = _eye_line(landmarks)
    return float(np.arctan2(across[1], across[0]))


def _level_square(landmarks: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Centre (2,), side and tilt of the square that holds the landmarks when it leans like the face."""
    tilt = _tilt(landmarks)
    level = landmarks[:, :2] @ _rotation(-tilt).T
    low, high = level.min(0), level.max(0)
    return _rotation(tilt) @ ((low + high) / 2), float((high - low).max()), tilt


def _rotation(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])


def _inside(landmarks: np.ndarray, image: np.ndarray) -> bool:
    column, row = landmarks[:, :2].mean(0)
    return bool(0 < column < image.shape[1] and 0 < row < image.shape[0])


def _same(first: Face, second: Face) -> bool:
    """Whether two meshes lie on the same face: their centres are closer than half a face."""
    apart = np.linalg.norm((first.mesh - second.mesh)[:, :2].mean(0))
    return bool(apart < 0.5 * max(first.size, second.size))


def _explains(face: Face, candidate: Candidate) -> bool:
    """Whether a candidate tells nothing new: it lies on a face of which we are sure, or which is not upside down against it."""
    centre, side, tilt = _level_square(face.mesh)
    here = np.linalg.norm(candidate.centre - centre) < 0.5 * side
    return bool(here and (face.score >= _SURE or np.cos(candidate.tilt - tilt) > 0))


def _likelihood(face: Face) -> float:
    """Photos are taken as given unless the evidence is strong."""
    return face.score - (_TURNED_DOUBT if face.roll else 0.0)
