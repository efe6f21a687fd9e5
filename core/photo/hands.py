"""Hands and their landmarks: MediaPipe's 21 of each, looked for where the body's landmarks say that a wrist is."""

from dataclasses import dataclass

import numpy as np

from .crop import crop_picture
from .framing import CropBox
from .mediapipe_parts import mediapipe_solutions
from .people import BodyLandmarks

HAND_LANDMARKS = 21
"""MediaPipe's hand landmarks: 0 wrist, then four of each finger from its root to its tip, the thumb first."""
SIDES = ("L", "R")
"""The person's left and right, as in the names of joints."""
_BODY = {"L": (15, 17, 19), "R": (16, 18, 20)}  # wrist and outer knuckles among the body's landmarks
_TRUNK = ((11, 12), (23, 24))  # shoulders and hips
_MIDDLE = np.array([0.3, 0.35, 0.35])  # of a hand, between wrist and knuckles
_SIDE = 0.62  # of the square around a hand, in lengths of the trunk as seen
_LEAST_TRUNK = 1.2  # lengths of the trunk over the shoulders' width: who bends forward looks shorter than he is
_PIXELS, _LEAST_SCORE = 256, 0.3
_SMALLEST = 24  # photo pixels of the square: what is smaller shows no fingers
_ASTRAY = 0.35  # sides of the square that the wrist may lie beside where the body's landmarks say


@dataclass(frozen=True)
class HandLandmarks:
    """One hand. points (21, 2): column and row, photo pixels. world (21, 3): metres about the hand's middle, camera axes (x right, y up,
    z towards the viewer), as the detector guesses them."""

    points: np.ndarray
    world: np.ndarray


class HandDetector:
    """MediaPipe's hand network (bundled with MediaPipe 0.10.21). Not safe to share between threads."""

    def __init__(self) -> None:
        with mediapipe_solutions() as solutions:
            self._graph = solutions.hands.Hands(
                static_image_mode=True, max_num_hands=2, model_complexity=1, min_detection_confidence=_LEAST_SCORE
            )
            self._graph.process(np.zeros((64, 64, 3), np.uint8))

    def hands(self, image: np.ndarray, body: BodyLandmarks) -> dict[str, HandLandmarks]:
        """The hands of a person in an (H, W, 3) uint8 photo, by SIDES; without those that are not found. body: the person's landmarks."""
        found = {}
        for side in SIDES:
            box = hand_box(body, side)
            seen = self.read(image, box) if box[2] >= _SMALLEST else []
            wrist = body.points[_BODY[side][0]]
            beside = [float(np.linalg.norm(hand.points[0] - wrist)) / box[2] for hand in seen]
            if beside and min(beside) < _ASTRAY:
                found[side] = (min(beside), seen[int(np.argmin(beside))])
        return {side: hand for side, (_, hand) in without_double(found).items()}

    def read(self, image: np.ndarray, box: CropBox) -> list[HandLandmarks]:
        """All hands that are found in a square of the photo."""
        left, top, side = box
        crop = np.round(crop_picture(image, box, _PIXELS) * 255).clip(0, 255).astype(np.uint8)
        answer = self._graph.process(crop)
        if answer.multi_hand_landmarks is None:
            return []
        hands = []
        for flat, world in zip(answer.multi_hand_landmarks, answer.multi_hand_world_landmarks, strict=True):
            points = np.array([[point.x, point.y] for point in flat.landmark]) * side + [left, top]
            hands.append(HandLandmarks(points, np.array([[point.x, -point.y, -point.z] for point in world.landmark])))
        return hands


def hand_box(body: BodyLandmarks, side: str) -> CropBox:
    """The square of the photo in which a hand of one of SIDES must be."""
    upper, lower = (body.points[list(pair)] for pair in _TRUNK)
    trunk = max(float(np.linalg.norm(upper.mean(0) - lower.mean(0))), _LEAST_TRUNK * float(np.linalg.norm(upper[0] - upper[1])))
    middle, length = _MIDDLE @ body.points[list(_BODY[side])], _SIDE * trunk
    return (float(middle[0]) - length / 2, float(middle[1]) - length / 2, length)


def without_double(found: dict[str, tuple[float, HandLandmarks]]) -> dict[str, tuple[float, HandLandmarks]]:
    """Hands with how far astray each lies; where both sides have found the same one, it is that of the nearer wrist."""
    if len(found) < len(SIDES):
        return found
    first, second = (hand.points for _, hand in found.values())
    if np.linalg.norm(first.mean(0) - second.mean(0)) > 0.5 * np.ptp(first, axis=0).max():
        return found
    nearer = min(found, key=lambda side: found[side][0])
    return {nearer: found[nearer]}
