"""Several photos of one person: read, fitted together and made ready; whichever is of no use is left out with a sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError, ReconstructionError
from .models.fit import ViewFit
from .models.head import HeadModel
from .models.observation import Observation
from .models.together import fit_together
from .networks.own import OwnNetworks
from .networks.predictor import Predictor
from .photo.figure import BodyView
from .photo.intake import BODY, HEAD
from .photo.view import View
from .prepared import PreparedPhoto, guess_of, predicted
from .progress import Clock
from .settings import Settings

Loader = Callable[[Path, str, int], View | BodyView]
"""What Intake.load_subject does: from a file, the subject and the person's number."""
FRONT, LEFT, RIGHT, BACK = "front", "left", "right", "back"
"""What of a person a photo shows: its own left and right side."""
_SIDE, _BACK = 30.0, 135.0  # degrees of the head's turn from which on a photo shows a side, and the back


@dataclass
class Photos:
    """Photos of one person in the order given, by number. names: of the files; seen: those that can be used; left_out: of the others the
    sentence why."""

    names: tuple[str, ...]
    seen: dict[int, View | BodyView] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)

    @classmethod
    def load(cls, load: Loader, paths: Sequence[Path], settings: Settings, clock: Clock) -> "Photos":
        """Read them by `load`. The first that can be used says whether it is a head or a body, and in it the settings' person is chosen;
        of the others the largest is. Raises the first photo's InputError where none can be used."""
        photos, error = cls(tuple(path.name for path in paths)), None
        with clock.stage("photo") as share:
            for number, path in enumerate(paths):
                subject, person = settings.subject, settings.subject_index
                if photos.seen:
                    subject, person = (BODY if photos.bodies else HEAD), -1
                try:
                    photos.seen[number] = load(path, subject, person)
                except InputError as reason:
                    error = error or reason
                    photos.left_out[number] = f"{path.name} was left out: {reason}"
                share((number + 1) / len(paths))
        if error is not None and not photos.seen:
            raise error
        return photos

    @property
    def main(self) -> View | BodyView:
        """The first that can be used."""
        return next(iter(self.seen.values()))

    @property
    def bodies(self) -> bool:
        """Whether the photos are taken for those of a body."""
        return isinstance(self.main, BodyView)

    def leave_out(self, number: int, sentence: str) -> None:
        """Take a photo out of those that can be used."""
        del self.seen[number]
        self.left_out[number] = sentence

    def prepare(self, model: HeadModel, predictor: Predictor, own: OwnNetworks, clock: Clock) -> list[PreparedPhoto]:
        """The heads of all photos that show the same person, with one identity; the others are left out. Raises LikenessError."""
        numbers = list(self.seen)
        views = [view for view in self.seen.values() if isinstance(view, View)]
        with clock.stage("fit"):
            guesses = [guess_of(predictor, view) for view in views]
            together = fit_together(model, [Observation.of(view) for view in views], guesses, clock.cancel)
        for index, sentence in together.left_out.items():
            self.leave_out(numbers[index], sentence)
        prepared: list[PreparedPhoto] = []
        error: ReconstructionError | None = None
        with clock.stage("normals") as share:
            for done, (index, fit) in enumerate(zip(together.used, together.fit.views, strict=True), 1):
                try:
                    prepared.append(predicted(model, predictor, views[index], own, fit, guesses[index]))
                except ReconstructionError as reason:
                    error = error or reason
                    self.leave_out(numbers[index], f"{self.names[numbers[index]]} was left out: {reason}")
                share(done / len(together.used))
        if error is not None and not prepared:
            raise error
        return [replace(prepared[0], timings=dict(clock.timings)), *prepared[1:]]

    def report(self, turns: Sequence[float], source: np.ndarray) -> list[dict[str, Any]]:
        """What became of each photo, in the order given. turns: of the used ones the degrees of `turn`; source (V,): which of these a
        vertex has its colour from."""
        added = np.bincount(source[source >= 0], minlength=len(turns)) / max(len(source), 1)
        used = dict(zip(self.seen, zip(turns, added.tolist(), strict=True), strict=True))
        rows: list[dict[str, Any]] = []
        for number, name in enumerate(self.names):
            row: dict[str, Any] = {"photo": name, "used": number in used}
            if number in used:
                degrees, share = used[number]
                row |= {"role": role(degrees), "turn": round(degrees, 1), "added": round(share, 4)}
            else:
                row |= {"reason": self.left_out[number]}
            rows.append(row)
        return rows


def turn(fit: ViewFit) -> float:
    """Degrees by which a photo's head is turned to its own left, in [-180, 180]."""
    return float(np.degrees(np.arctan2(fit.rotation[0, 2], fit.rotation[2, 2])))


def role(degrees: float) -> str:
    """The side of a person that a photo shows, by the turn to its own left: who turns left shows the right side."""
    if abs(degrees) < _SIDE:
        return FRONT
    if abs(degrees) > _BACK:
        return BACK
    return RIGHT if degrees > 0 else LEFT
