"""The whole way from one photo, or several of one person, to a coloured head or body, as a library: Reconstructor.load().run(photo)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from .bodies import BodyReconstructor, HeadMaker
from .body_head import head_of_body
from .corrections import corrected, sized
from .first_look import FirstLook
from .heads import HeadReconstructor
from .intakes import Intakes
from .interactive import InteractiveFit
from .models.fit import ViewFit
from .models.flame.model import FlameModel
from .models.flame.reader import read_flame
from .models.head import HeadModel
from .networks.device import named_device
from .networks.own import BUNDLED, OwnNetworks, file_state
from .networks.predictor import Predictor
from .networks.weights import hashes
from .photo.figure import BodyView
from .photo.intake import Intake
from .photo.view import View
from .prepared import PreparedPhoto, prepare_photo
from .progress import PREPARATION, RECONSTRUCTION, Cancel, Clock, Progress
from .report import run_report
from .result import Result
from .settings import Settings
from .together import Photos


class Reconstructor:
    """The models of one device, kept for any number of photos."""

    def __init__(self, model: HeadModel, predictor: Predictor) -> None:
        self._model, self._predictor = model, predictor
        self._own = BUNDLED  # those of the last run
        self.heads = HeadReconstructor(model, predictor)
        self.bodies = BodyReconstructor(predictor.device)
        self.interactive = InteractiveFit(model, predictor, lambda settings: self._intakes.of(settings, self._own))
        self._own_bodies: tuple[object, BodyReconstructor] = (None, self.bodies)

    @classmethod
    def load(cls, device: str = "auto", field: Path | None = None) -> Self:
        """With the bundled models, or another trained field. Raises AssetError, and InputError for a device that is not there."""
        return cls(HeadModel.load(), Predictor.load(named_device(device), field))

    @cached_property
    def _intakes(self) -> Intakes:
        return Intakes(self._model, self._predictor.parser, self._predictor.body_parser)

    @property
    def intake(self) -> Intake:
        """With MediaPipe's detector and the bundled parsers: what `run` prepares photos with unless the settings say otherwise."""
        return self._intakes.usual

    def prepare(
        self, view: View, own: OwnNetworks = BUNDLED, clock: Clock | None = None, fitted: Callable[[ViewFit], None] | None = None
    ) -> PreparedPhoto:
        """What `run` begins with, whatever its field: reconstructors of other fields can go on from it. fitted: is given the fit as soon as
        there is one. Raises LikenessError."""
        return prepare_photo(self._model, self._predictor, view, own, clock or Clock(PREPARATION), fitted)

    def run(
        self,
        photo: Path | Sequence[Path] | PreparedPhoto,
        settings: Settings,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        early: Callable[[Result], None] | None = None,
    ) -> Result:
        """Reconstruct the person in one photo, or in several of which the first is the main one, or go on from a prepared one. early: is
        given a first look at a head that is made from one photo.

        Raises LikenessError; Cancelled when `cancel` answers True."""
        # First of all: whether the user's own files can be used.
        own = self._own = photo.own if isinstance(photo, PreparedPhoto) else OwnNetworks.of(settings, self._own)
        flame = _flame(settings)
        unused = {name for name, used in (("rig", settings.rig), ("texture", settings.rig), ("flame", flame)) if not used}
        if isinstance(photo, PreparedPhoto):
            stages = [name for name in RECONSTRUCTION if name not in unused | {"photo", "head", *PREPARATION}]
            return self._head([photo], settings, own, Clock(stages, progress, cancel), flame)
        clock = Clock([name for name in RECONSTRUCTION if name not in unused], progress, cancel)
        paths = [photo] if isinstance(photo, Path) else list(photo)
        look = FirstLook(self._model, self._predictor, settings, early) if early is not None and len(paths) == 1 else None
        # A mask or pins of the artist's are not in what is found first.
        found = look.of_face if look is not None and not settings.mask and not settings.pins else None
        photos = Photos.load(
            self.interactive.loader(paths[0], settings, found), paths, settings, clock, self._intakes.of(settings, own).load_faceless
        )
        if 0 in photos.seen:
            photos.seen[0] = corrected(photos.seen[0], settings)
        seen = photos.main
        if isinstance(seen, BodyView):
            return self._body(seen, photos, settings, own, clock)
        clock.leave_out("head")
        if settings.quality == "high":
            self.intake.persons.unload()  # what a head takes at that quality is near the most that it may
        if len(paths) == 1:
            prepared = [self.prepare(seen, own, clock, None if look is None else lambda fit: look.of_fit(seen, fit))]
        else:
            prepared = photos.prepare(self._model, self._predictor, own, clock)
        result = self._head(prepared, settings, own, clock, flame, photos)
        return sized(replace(result, report=photos.told(result.report, result)), settings)

    def _head(
        self,
        prepared: Sequence[PreparedPhoto],
        settings: Settings,
        own: OwnNetworks,
        clock: Clock,
        flame: FlameModel | None,
        photos: Photos | None = None,
    ) -> Result:
        main, *others = prepared
        sides = {} if photos is None else dict(photos.sides)
        numbers = list(sides)
        unplaced = lambda place: photos and photos.leave_out_side(numbers[place])  # noqa: E731
        result = self.heads.run(main, others, settings, clock, flame, sides=list(sides.values()), unplaced=unplaced)
        run = run_report(settings, main.view, main.timings | clock.timings, hashes() | own.hashes())
        return replace(result, report=result.report | run)

    def _body(self, view: BodyView, photos: Photos, settings: Settings, own: OwnNetworks, clock: Clock) -> Result:
        photos.keep_main()
        clock.leave_out("mend", "rig", "flame", "texture")
        bodies = self._bodies_of(settings)
        result = bodies.run(view, settings, clock, self.head_maker(settings, own, clock.cancel), own)
        run = run_report(settings, view, clock.timings, hashes() | own.hashes() | bodies.hashes())
        return replace(result, report=photos.told(result.report, result) | run)

    def _bodies_of(self, settings: Settings) -> BodyReconstructor:
        """With the user's own field of bodies, if the settings name one; it stays loaded. Raises InputError."""
        if not settings.field:
            return self.bodies
        state = file_state(settings.field)
        if self._own_bodies[0] != state:
            self._own_bodies = state, BodyReconstructor(self._predictor.device, Path(settings.field))
        return self._own_bodies[1]

    def head_maker(self, settings: Settings, own: OwnNetworks = BUNDLED, cancel: Cancel | None = None) -> HeadMaker:
        """Makes the heads of bodies, no finer than 256 cells a side: the photos do not show more."""
        quality = "standard" if settings.quality == "high" else settings.quality
        settings = replace(settings, quality=quality, cut="none")
        intake, flame = self._intakes.of(settings, own), _flame(settings)

        def make(view: View) -> Result:
            prepared = self.prepare(view, own, Clock(PREPARATION, None, cancel))
            return self.heads.run(prepared, [], settings, Clock(RECONSTRUCTION, None, cancel), flame, for_body=True)

        return lambda view, camera, eyes: head_of_body(intake, make, view, camera, eyes)


def _flame(settings: Settings) -> FlameModel | None:
    """The user's own FLAME model where it is used. Raises InputError."""
    return FlameModel(read_flame(Path(settings.flame))) if settings.rig and settings.flame else None
