"""Several photos of one person: read, fitted together and made ready; whichever is of no use is left out with a sentence."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError, NoFaceError, ReconstructionError
from .models.head import HeadModel
from .models.joints import NECK
from .models.observation import Observation
from .models.together import fit_together
from .networks.own import OwnNetworks
from .networks.predictor import Predictor
from .photo.decode import Photo
from .photo.faceless import HeadPicture
from .photo.figure import BodyView
from .photo.intake import BODY, HEAD
from .photo.pose import Pose
from .photo.view import View
from .prepared import PreparedPhoto, guess_of, predicted
from .progress import Clock
from .result import Result
from .settings import Settings

Loader = Callable[[Path, str, int], View | BodyView]
"""What Intake.load_subject does: from a file, the subject and the person's number."""
FRONT, LEFT, RIGHT, BACK = "front", "left", "right", "back"
"""What of a person a photo shows: its own left and right side."""
_SIDE, _BACK = 30.0, 135.0  # degrees of the head's turn from which on a photo shows a side, and the back


@dataclass
class Photos:
    """Photos of one person in the order given, by number. names: of the files; seen: those that can be used; sides: heads in which no face
    is found, whose place the main photo's head has to tell; left_out: of the others the sentence why."""

    names: tuple[str, ...]
    seen: dict[int, View | BodyView] = field(default_factory=dict)
    sides: dict[int, HeadPicture] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)

    @classmethod
    def load(
        cls, load: Loader, paths: Sequence[Path], settings: Settings, clock: Clock, faceless: Callable[[Path], HeadPicture] | None = None
    ) -> "Photos":
        """Read them by `load`, and heads without a face beside others by `faceless`. The first that can be used says whether it is a head
        or a body, and in it the settings' person is chosen; of the others the largest is. Raises the first photo's InputError where none
        can be used."""
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
                    if faceless is not None and len(paths) > 1 and isinstance(reason, NoFaceError):
                        with suppress(InputError):
                            photos.sides[number] = faceless(path)
                share((number + 1) / len(paths))
        if error is not None and not photos.seen:
            raise error
        if photos.bodies:
            photos.sides.clear()
        for number in photos.sides:
            del photos.left_out[number]  # until it is tried
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

    def leave_out_side(self, number: int) -> None:
        """Take a photo without a face out: it shows another head than the main one."""
        del self.sides[number]
        name = self.names[number]
        sentence = f"{name} was left out: no face was found in it, and its outline is not that of the head in the other photos."
        self.left_out.setdefault(number, sentence)

    def prepare(self, model: HeadModel, predictor: Predictor, own: OwnNetworks, clock: Clock) -> list[PreparedPhoto]:
        """The heads of all photos that show the same person, with one identity; the others are left out. Raises LikenessError."""
        numbers = list(self.seen)
        views = [view for view in self.seen.values() if isinstance(view, View)]
        with clock.stage("fit"):
            guesses = [guess_of(predictor, view) for view in views]
            together = fit_together(model, [Observation.of(view) for view in views], guesses, clock.cancel)
        for index, sentence in together.left_out.items():
            self.leave_out(numbers[index], sentence)
        for index, fit in together.unlike.items():
            # Landmarks of turned faces tell little of who it is; the outline may.
            degrees = turn(Pose(fit.rotation, fit.joints[NECK]))
            view, parser, picture = views[index], own.parser(predictor.parser), None
            if parser is not None and abs(degrees) > _SIDE:
                picture = HeadPicture.of(Photo(view.image, None, None, view.name), parser, view.focal, degrees)
            if picture is not None:
                self.sides[numbers[index]] = picture
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

    def keep_main(self) -> None:
        """Of bodies one photo is used: leave the others out."""
        for number in list(self.seen)[1:]:
            self.leave_out(
                number, f"{self.names[number]} was left out: a body is made from one photo; choose the subject head for several."
            )

    def told(self, report: dict[str, Any], result: Result) -> dict[str, Any]:
        """A result's report which also says what became of each of several photos, in the order given; of one photo it stays as it is."""
        if len(self.names) == 1:
            return report
        mesh, used = result.surface, [*self.seen, *self.sides]
        views = dict(zip(used, result.views, strict=True))
        source = np.where(mesh.observed > 0.5, 0, -1) if mesh.source is None else mesh.source
        added = dict(zip(used, np.bincount(source[source >= 0], minlength=len(views)) / max(len(source), 1), strict=True))
        rows: list[dict[str, Any]] = []
        for number, name in enumerate(self.names):
            row: dict[str, Any] = {"photo": name, "used": number in views}
            if number in views:
                degrees = turn(views[number].pose)
                row |= {"role": role(degrees), "turn": round(degrees, 1), "added": round(float(added[number]), 4)}
            else:
                row |= {"reason": self.left_out[number]}
            rows.append(row)
        unused = [sentence for number, sentence in self.left_out.items() if number not in views]
        return report | {"photos": rows, "warnings": [*report["warnings"], *unused]}


def turn(pose: Pose) -> float:
    """Degrees by which a photo's subject is turned to its own left, in [-180, 180]."""
    return float(np.degrees(np.arctan2(pose.rotation[0, 2], pose.rotation[2, 2])))


def role(degrees: float) -> str:
    """The side of a person that a photo shows, by the turn to its own left: who turns left shows the right side."""
    if abs(degrees) < _SIDE:
        return FRONT
    if abs(degrees) > _BACK:
        return BACK
    return RIGHT if degrees > 0 else LEFT
