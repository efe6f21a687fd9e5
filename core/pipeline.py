"""The whole way from one photo to a coloured head, as a library: Reconstructor.load().run(photo)."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from .colour.fill import colour_vertices
from .colour.head import COVER_SIZE, Anatomy, bake_head
from .colour.kinds import Places
from .errors import Cancelled, InputError
from .geometry.mesh import vertex_normals
from .geometry.raster import rasterize
from .geometry.visibility import sample_picture
from .models.fit import ViewFit, fit_head, mesh_landmarks
from .models.flame.model import FlameModel
from .models.flame.reader import read_flame
from .models.head import HeadModel
from .models.joints import NECK
from .models.observation import Observation
from .models.prior import FaceBlend, PriorSurface, protect_mask
from .networks.own import BUNDLED, OwnNetworks
from .networks.predictor import Predictor, Sight
from .networks.weights import hashes
from .photo.crop import crop_picture, shown
from .photo.face_alignment_provider import FaceAlignmentDetector
from .photo.faces import FaceDetector
from .photo.intake import default_detector, load_view
from .photo.parsing import CLASSES, OVER_SKIN, Parser, Parsing
from .photo.pose import Pose
from .photo.view import Camera, View
from .quality import judge, measure_fit
from .result import SURFACE, Mesh, Result, ResultView
from .settings import Settings
from .stages import STAGES
from .surface.calm import calm_field
from .surface.detail import displace_back, displace_front
from .surface.extract import extract_surface
from .surface.hidden import hidden_bound
from .surface.needles import press_needles
from .surface.rim import reach_outline
from .surface.smooth import smooth_surface, smoothing_rounds
from .topology.flame import FlameFit, fit_flame
from .topology.register import ReconstructedSurface
from .topology.rig import rig_head
from .topology.rig_metrics import rig_metrics
from .topology.rigged import RiggedHead
from .version import VERSION

log = logging.getLogger(__name__)
Progress = Callable[[str, float], None]
_WORN_SIZE = 128  # pixels a side
_ON_HEAD = 0.25  # crop units (5 cm) from the fitted head
_CHIN = -0.62  # crop units, height on the mean head: clothes begin below
_STAGES = {name: stage.share for name, stage in STAGES.items() if stage.share}  # those of a rig are left out when there is none
_SIGHT = ("fit", "normals")  # the stages that every field shares


@dataclass(frozen=True)
class Seen:
    """A photo before any field is asked: the fitted head, its surface (crop frame), what the normal network makes of the crop, what tells
    how good all that is (quality.py), the seconds that its stages took, and the user's own networks that took part."""

    view: View
    fit: ViewFit
    surface: PriorSurface
    sight: Sight
    measures: dict[str, float]
    timings: dict[str, float]
    own: OwnNetworks = BUNDLED


class Reconstructor:
    """The models of one device, kept for any number of photos."""

    def __init__(self, model: HeadModel, predictor: Predictor) -> None:
        self._model, self._predictor = model, predictor
        self._own = BUNDLED  # those of the last run
        self._second: dict[str, FaceAlignmentDetector] = {}  # by the name of its weights

    @classmethod
    def load(cls, device: str = "auto", field: Path | None = None) -> Self:
        """With the bundled models, or another trained field. Raises AssetError, and InputError for a device that is not there."""
        return cls(HeadModel.load(), Predictor.load(_device(device), field))

    @property
    def parser(self) -> Parser | None:
        """What `load_view` takes, so that a view made outside of `run` is the one that `run` makes."""
        return self._predictor.parser

    def see(self, view: View, own: OwnNetworks = BUNDLED) -> Seen:
        """What `run` begins with, whatever its field: reconstructors of other fields can go on from it. Raises LikenessError."""
        return self._see(view, _Clock(_SIGHT, None, None), own)

    def run(
        self, photo: Path | Seen, settings: Settings, progress: Progress | None = None, cancel: Callable[[], bool] | None = None
    ) -> Result:
        """Reconstruct the person in one photo, or go on from what was seen in it. Raises LikenessError; Cancelled when `cancel` answers
        True."""
        # First of all: whether the user's own files can be used.
        own = self._own = photo.own if isinstance(photo, Seen) else OwnNetworks.of(settings, self._own)
        flame_model = FlameModel(read_flame(Path(settings.flame))) if settings.rig and settings.flame else None
        unused = {name for name, used in (("rig", settings.rig), ("texture", settings.rig), ("flame", flame_model)) if not used}
        unused |= {"photo", *_SIGHT} if isinstance(photo, Seen) else set()
        clock = _Clock([name for name in _STAGES if name not in unused], progress, cancel)
        if isinstance(photo, Seen):
            seen = photo
        else:
            with clock.stage("photo"):
                view = load_view(photo, settings.subject_index, self._detector(settings), own.parser(self._predictor.parser))
            seen = self._see(view, clock, own)
        view, fit, surface, sight = seen.view, seen.fit, seen.surface, seen.sight
        with clock.stage("field"):
            blend = FaceBlend.of(self._model, fit)
            field = self._predictor.field(sight, surface, blend)
        with clock.stage("surface") as share:
            tree, known = cKDTree(surface.vertices), protect_mask(self._model, blend)
            kept = lambda points: known[tree.query(points)[1]]  # noqa: E731
            dressed = lambda points: surface.code[tree.query(points)[1], 1] < _CHIN  # noqa: E731
            worn = None if view.parsing is None else _worn(view, view.parsing, fit.camera)
            bound = hidden_bound(field.prior_distance, field.silhouette, worn)
            calm = calm_field(field.distance, field.in_hull, field.prior_distance, kept, dressed, cancel, bound)
            whole = reach_outline(calm, field.silhouette, field.face, cancel)
            vertices, faces = extract_surface(whole, field.in_hull, settings.resolution, share, cancel, field.prior_distance)
        with clock.stage("detail"):
            vertices = smooth_surface(press_needles(vertices, faces), faces, smoothing_rounds(settings.resolution))
            # The maps are 0 off the person.
            normals, there = vertex_normals(vertices, faces), lambda maps: shown(view.image, fit.camera, maps.shape[-1])
            vertices = displace_front(vertices, faces, normals, _picture(sight.front), there(sight.front))
            if sight.back is not None:
                vertices = displace_back(vertices, faces, normals, _picture(sight.back), there(sight.back))
        camera_vertices = fit.camera.from_crop(vertices).astype(np.float32)
        normals_there = vertex_normals(camera_vertices, faces)
        rigged, flame, covered = None, None, None
        if settings.rig:
            with clock.stage("rig"):
                over = None
                if view.parsing is not None:
                    covered = view.parsing.crop(fit.camera.crop_box, COVER_SIZE)[..., [CLASSES.index(name) for name in OVER_SKIN]].sum(-1)
                    over = sample_picture(covered, vertices)
                rigged = rig_head(self._model, fit, ReconstructedSurface(camera_vertices, normals_there, covered=over))
            if flame_model is not None:
                with clock.stage("flame"):
                    flame = fit_flame(flame_model, rigged)
        with clock.stage("colour"):
            # Finer than the mesh, the photo would alias on it.
            size = min(2 * settings.resolution, 1024)
            image = crop_picture(view.image, fit.camera, size)
            matte = np.clip(crop_picture(view.matte, fit.camera, size), 0, 1)
            matte = sight.agreed(matte)
            guess = lambda points: (field.colours(points), self._places(points, surface))  # noqa: E731
            parsing = None if view.parsing is None else view.parsing.crop(fit.camera.crop_box, size)
            colours, observed = colour_vertices(vertices, faces, vertex_normals(vertices, faces), image, matte, guess, parsing)
        pose = Pose(fit.rotation, fit.joints[NECK])
        mesh = Mesh(
            vertices=pose.to_upright(camera_vertices).astype(np.float32),
            faces=faces.astype(np.int32),
            normals=pose.directions_to_upright(normals_there).astype(np.float32),
            colours=colours.astype(np.float32),
            observed=observed.astype(np.float32),
        )
        result = Result(view.name, {SURFACE: mesh}, (ResultView(view.image, fit.camera, pose),))
        about_rig = {}
        if rigged is not None:
            with clock.stage("texture") as share:
                result, about_rig = self._with_rig(result, rigged, flame, settings.texels, share, covered)
        measures = seen.measures | self._measures(view, fit, vertices, faces) | {"observed_share": float((observed > 0.5).mean())}
        quality, doubts = judge(measures, view.name)
        report = {
            "quality": quality,
            "timings": seen.timings | clock.timings,
            "peak_memory_mb": _peak_memory(),
            "settings": settings.to_report(),
            "version": VERSION,
            "weights": hashes() | own.hashes(),
            "warnings": [*doubts, *view.warnings],
            **measures,
            **_parsing_shares(view),
            # extract_surface has verified closedness and kept one component.
            "mesh": {"vertices": len(vertices), "faces": len(faces), "watertight": True, "components": 1},
            "fit": self._described(fit),
            **about_rig,
        }
        return replace(result, report=report)

    def _detector(self, settings: Settings) -> FaceDetector:
        if settings.detector == "mediapipe":
            return default_detector()
        named = settings.detector_weights
        if named not in self._second:
            mesh = lambda points: mesh_landmarks(self._model, points)  # noqa: E731
            self._second = {named: FaceAlignmentDetector(default_detector(), mesh, named)}
        return self._second[named]

    def _see(self, view: View, clock: "_Clock", own: OwnNetworks) -> Seen:
        with clock.stage("fit"):
            fit = fit_head(self._model, Observation.of(view), None if view.modelled else self._predictor.guess(view))
        with clock.stage("normals"):
            surface = PriorSurface.of(self._model, fit.camera.to_crop(fit.closed_vertices).astype(np.float32))
            sight = self._predictor.look(view, fit.camera, surface, own)
            measures = measure_fit(self._model, view, fit, _picture(sight.photo), sight.maps[0].cpu().numpy())
            judge(measures, view.name)  # refuses before the long stages
        return Seen(view, fit, surface, sight, measures, dict(clock.timings), own)

    def _with_rig(
        self,
        result: Result,
        rigged: RiggedHead,
        flame: FlameFit | None,
        texels: int,
        progress: Callable[[float], None],
        covered: np.ndarray | None,
    ) -> tuple[Result, dict[str, Any]]:
        """The result with the textured rigged head, in FLAME's topology if there is such a fit, and what the report says of it."""
        head, anatomy = rigged, Anatomy.of(self._model)
        if flame is not None:
            head, anatomy = flame.head, anatomy.carried(flame.corners, flame.barycentric)
        head = bake_head(head, result, anatomy, texels, progress, covered)
        figures = {"vertices": len(head.neutral), "faces": len(head.faces), "texture": texels}
        figures |= rig_metrics(self._model, rigged, result.surface.vertices, result.surface.faces)
        about = {"rig": figures} if flame is None else {"rig": figures, "flame": flame.to_dict()}
        return replace(result, rigged=head), about

    def _places(self, points: np.ndarray, surface: PriorSurface) -> Places:
        """Points (N, 3) of the crop frame on the fitted model."""
        distance, near = cKDTree(surface.vertices).query(points, workers=-1)
        code = np.where(distance[:, None] < _ON_HEAD, self._model.closed_code[near], 0)
        scalp, bare, features = (
            np.max([self._model.closed_region(name)[near] for name in names], axis=0)
            for names in (("scalp",), ("face", "ears"), ("eyes", "lips", "brows"))
        )
        return Places(code, scalp, bare, features, distance.astype(np.float32))

    def _measures(self, view: View, fit: ViewFit, vertices: np.ndarray, faces: np.ndarray) -> dict[str, float]:
        size = 512
        drawn = rasterize(torch.from_numpy(vertices), torch.from_numpy(faces), size).mask.numpy()
        there = crop_picture(np.ones(view.image.shape[:2], np.float32), fit.camera, size) > 0.5
        person = (crop_picture(view.matte, fit.camera, size) > 0.5) & there
        union = ((drawn & there) | person).sum()
        return {"silhouette_iou": float((drawn & person).sum() / max(union, 1))}

    def _described(self, fit: ViewFit) -> dict[str, Any]:
        return {
            "identity": [round(float(x), 4) for x in fit.identity],
            "expression": {name: round(float(x), 4) for name, x in zip(self._model.expression_names, fit.expression, strict=True)},
            "rotation": fit.rotation.round(5).tolist(),
            "camera": {
                "centre": [float(x) for x in fit.camera.centre],
                "scale": float(fit.camera.scale),
                "distance": float(fit.camera.distance) if np.isfinite(fit.camera.distance) else None,
            },
            "residual": float(fit.residual),
        }


class _Clock:
    """Times the stages (timings: seconds), reports overall progress and asks whether to stop."""

    def __init__(self, stages: Sequence[str], progress: Progress | None, cancel: Callable[[], bool] | None) -> None:
        ends = np.cumsum([0, *(_STAGES[name] for name in stages)]) / sum(_STAGES[name] for name in stages)
        self._spans = dict(zip(stages, pairwise(ends.tolist()), strict=True))
        self._progress, self._cancel = progress, cancel
        self.timings: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[float], None]]:
        """Yields a function that takes the stage's own share in [0, 1], and raises Cancelled."""
        start, end = self._spans[name]

        def report(share: float) -> None:
            if share < 1 and self._cancel is not None and self._cancel():
                raise Cancelled("The reconstruction was stopped.")
            if self._progress is not None:
                self._progress(name, start + (end - start) * min(max(share, 0.0), 1.0))

        report(0.0)
        begun = time.perf_counter()
        yield report
        self.timings[name] = round(time.perf_counter() - begun, 3)
        log.info("%s: %.2f s", name, self.timings[name])
        report(1.0)


def _parsing_shares(view: View) -> dict[str, dict[str, float]]:
    """For the report: how much of the square around the head is of which class."""
    if view.parsing is None:
        return {}
    return {"parsing": dict(zip(CLASSES, view.parsing.shares.mean((0, 1)).round(4).tolist(), strict=True))}


def _worn(view: View, parsing: Parsing, camera: Camera) -> Callable[[np.ndarray], np.ndarray]:
    """Share of hair, hat and clothes in the picture at points (N, 3) of the crop frame; 1 where the photo does not reach."""
    shares = parsing.crop(camera.crop_box, _WORN_SIZE)[..., [CLASSES.index(name) for name in ("hair", "hat", "clothes")]].sum(-1)
    picture = np.where(shown(view.image, camera, _WORN_SIZE), shares, 1)
    return lambda points: sample_picture(picture, points)


def _picture(maps: torch.Tensor) -> np.ndarray:
    """(S, S, C) of maps (1, C, S, S)."""
    return maps[0].permute(1, 2, 0).cpu().numpy()


def _peak_memory() -> float | None:
    """Megabytes, or None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def _device(name: str) -> torch.device:
    found = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if found[device])
    if not found[name]:
        raise InputError(f"This machine has no {name} device for PyTorch; choose device auto or cpu.")
    return torch.device(name)
