"""Whether a head looks like the person in its photo: its pictures against the photos of everybody in the set, by a recogniser.

Vectors live only as long as the set is measured; what is written are distances and shares.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .case import Case
from .methods import TITLES, Prediction
from .pictures import SIZE, clay, draw, side_view
from .recogniser import face_picture
from .score import in_true_frame

YAWS = (0, 30, -30)
_SIDES = {"front": slice(0, 1), "sides": slice(1, None)}  # of YAWS
_BACKGROUND = 0.5


@dataclass
class Likenesses:
    """The faces of one set so far. recogniser: from pictures of `face_picture` to vectors (N, 128), a `Recogniser`. photos: case -> (128,);
    people: case -> whom it shows; heads: (method, case) -> look -> (3, 128), one a yaw, where a look is the head's colours or its clay."""

    recogniser: Callable[[np.ndarray], np.ndarray]
    photos: dict[str, np.ndarray] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    heads: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)

    def add(self, case: Case, method: str, prediction: Prediction) -> dict[str, float]:
        """Look at one head from the photo's side and turned by 30 degrees to both; the distances of its pictures from the photo, of front
        and sides. Empty for what has no face to compare."""
        if case.landmark_pixels is None or not len(prediction.landmarks):
            return {}
        if case.name not in self.photos:
            self.photos[case.name] = self.recogniser(face_picture(case.photo, case.landmark_pixels)[None])[0]
            self.people[case.name] = case.labels.get("scan", case.name)
        looks = {"clay": None} if prediction.colours is None else {"colour": prediction.colours, "clay": None}
        found = {look: self.recogniser(head_pictures(case, prediction, colours)) for look, colours in looks.items()}
        self.heads[method, case.name] = found
        apart = {look: np.linalg.norm(vectors - self.photos[case.name], axis=1) for look, vectors in found.items()}
        return {f"{look}_{side}": float(values[rows].mean()) for look, values in apart.items() for side, rows in _SIDES.items()}

    def report(self) -> str:
        """Markdown: how often a head's own photo is the nearest of all, and how far own photos lie from others'; empty for one person."""
        lines = []
        for method in dict.fromkeys(method for method, _ in self.heads):
            for look in ("colour", "clay"):
                for side, rows in _SIDES.items():
                    own, other = self._distances(method, look, rows)
                    if len(own):
                        share = np.mean([mine < theirs.min() for mine, theirs in zip(own, other, strict=True)])
                        others = np.concatenate(other)
                        cells = f"{len(own)} | {share:.0%} | {own.mean():.3f} | {others.mean():.3f} | {separation(own, others):.2f}"
                        lines.append(f"| {TITLES.get(method, method)} | {look}, {side} | {cells} |")
        if not lines:
            return ""
        text = "Distances of a face recogniser between pictures of the head and the photos of the set. First: the own photo is the nearest."
        table = ["| method | picture of the head | pictures | first | own photo | others' | d′ |", "|---" * 7 + "|", *lines]
        return "\n\n".join(["**Whom it looks like**", text, "\n".join(table)]) + "\n"

    def _distances(self, method: str, look: str, rows: slice) -> tuple[np.ndarray, list[np.ndarray]]:
        """Distances of a method's pictures (N,) from the own photo, and for each those from the photos of other people."""
        own, other = [], []
        for (name, case), looks in self.heads.items():
            strangers = [self.photos[one] for one, person in self.people.items() if person != self.people[case]]
            if name == method and look in looks and strangers:
                for vector in looks[look][rows]:
                    own.append(np.linalg.norm(vector - self.photos[case]))
                    other.append(np.linalg.norm(vector - np.array(strangers), axis=1))
        return np.array(own), other


def head_pictures(case: Case, prediction: Prediction, colours: np.ndarray | None, yaws: Sequence[float] = YAWS) -> np.ndarray:
    """(N, 150, 150, 3): the face of a head from each yaw, in colours (V, 3) sRGB in [0, 1] or, without, in clay."""
    vertices, landmarks = (in_true_frame(case, prediction, points) for points in (prediction.vertices, prediction.landmarks))
    pictures = []
    for yaw in yaws:
        points = side_view(case, vertices, yaw)
        if colours is None:
            picture = clay(points, prediction.faces, SIZE, _BACKGROUND)
        else:
            painted, mask = draw(points, prediction.faces, colours)
            picture = np.where(mask[..., None], painted, _BACKGROUND).astype(np.float32)
        flat = side_view(case, landmarks, yaw)[:, :2]
        pictures.append(face_picture(picture, (flat * [1, -1] + 1) * (SIZE / 2)))
    return np.stack(pictures)


def separation(own: np.ndarray, other: np.ndarray) -> float:
    """d': how many standard deviations distances from other people lie above those from oneself."""
    return float((other.mean() - own.mean()) / max(np.sqrt((own.var() + other.var()) / 2), 1e-9))
