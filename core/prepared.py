"""A photo that is ready for reconstruction: its fit, networks' predictions and measures, with which every field begins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
import torch

from .models.fit import ViewFit, fit_head, landmark_points, refine_by_normals
from .models.guess import HeadGuess
from .models.head import HeadModel
from .models.observation import Observation
from .models.prior import PriorSurface
from .networks.own import BUNDLED, OwnNetworks, own_normals
from .networks.predictor import CropPrediction, Predictor
from .photo.crop import crop_picture, shown
from .photo.faceless import HeadPicture
from .photo.framing import HEAD, CropBox
from .photo.landmarks import MEDIAPIPE
from .photo.parsing import CLASSES
from .photo.view import View
from .progress import Clock
from .quality import judge, measure_fit
from .surface.build import ReliefMap
from .surface.clothing import Clothing
from .surface.creases import without_furrows
from .surface.detail import BUNDLED_RELIEF, OWN_RELIEF, ReliefStrength
from .surface.glasses import GlassesArms
from .surface.mesoscopic import FineDetail
from .surface.stubble import stubble

_SIDE_RESIDUAL = 0.03  # a photo without landmarks counts as one that they fit badly
Pictures = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""As `PreparedPhoto.pictures` gives them."""


@dataclass(frozen=True)
class PreparedPhoto:
    """The photo's view, the fitted head, its surface (crop frame), what the normal network predicts of the crop, what tells
    how good all that is (quality.py), the seconds that its stages took, and the user's own networks that took part."""

    view: View
    fit: ViewFit
    surface: PriorSurface
    prediction: CropPrediction
    measures: dict[str, float]
    timings: dict[str, float]
    own: OwnNetworks = BUNDLED

    @property
    def crop_box(self) -> CropBox:
        """The crop in the photo."""
        return self.surface.framing.crop_box(self.fit.camera)

    def placed(self, model: HeadModel, predictor: Predictor, fit: ViewFit) -> Self:
        """With another fit, once its normals are predicted."""
        surface = _surface(model, fit)
        seen = None if self.own.normals is None else own_normals(self.own.normals, self.view, fit.camera, surface)
        prediction = predictor.predict(self.view, fit.camera, surface, seen, self.own.matte is not None)
        return replace(self, fit=fit, surface=surface, prediction=prediction)

    def relief(self) -> tuple[ReliefMap | None, ReliefMap | None]:
        """As `relief`; normals of the user's own network mend longer bends."""
        return relief(self.prediction, self.view.image, self.crop_box, BUNDLED_RELIEF if self.prediction.own is None else OWN_RELIEF)

    def fine_detail(self, resolution: int, strength: float, pictures: Pictures) -> FineDetail | None:
        """What the photo's shading tells for a surface of so many cells a side; None without a parsing, or where no detail is wanted."""
        photo, matte, parsing = pictures
        if parsing is None or not strength:
            return None
        half = self.surface.framing.half
        places = self.prediction.maps[0, 3:5].permute(1, 2, 0).cpu().numpy()
        glasses = cv2.resize(parsing[..., CLASSES.index("glasses")], places.shape[1::-1], interpolation=cv2.INTER_AREA)
        plain = without_furrows(places, glasses, 2 * half / len(places))
        rough = stubble(photo, matte * parsing[..., CLASSES.index("skin")], places, 2 * half / len(photo))
        plain = np.maximum(plain, cv2.resize(rough, places.shape[1::-1], interpolation=cv2.INTER_AREA))
        return FineDetail.of(photo, matte, parsing, half, resolution, 2 * half / self.crop_box[2], strength, plain)

    def clothing(self, resolution: int, strength: float, pictures: Pictures) -> Clothing | None:
        """What the photo tells of clothes for a surface of so many cells a side; None without a parsing."""
        photo, matte, parsing = pictures
        if parsing is None:
            return None
        half = self.surface.framing.half
        return Clothing.of(photo, matte, parsing, half, resolution, 2 * half / self.crop_box[2], strength)

    def glasses_arms(self, pictures: Pictures) -> GlassesArms | None:
        """Of the glasses that the photo shows; None without any, or without a parsing."""
        photo, _, parsing = pictures
        return None if parsing is None else GlassesArms.of(self.surface, self.fit.rotation[:, 1], photo, parsing)

    def pictures(self, size: int) -> Pictures:
        """The crop for colours: photo (size, size, 3) sRGB and matte (size, size), both in [0, 1], and shares (size, size, classes) of the
        parsing, if there is one."""
        box = self.crop_box
        matte = self.prediction.intersect_matte(np.clip(crop_picture(self.view.matte, box, size), 0, 1))
        parsing = None if self.view.parsing is None else self.view.parsing.crop(box, size)
        return crop_picture(self.view.image, box, size), matte, parsing


def prepare_photo(
    model: HeadModel,
    predictor: Predictor,
    view: View,
    own: OwnNetworks,
    clock: Clock,
    fitted: Callable[[ViewFit], None] | None = None,
) -> PreparedPhoto:
    """Fit the head to a photo and predict its normals. fitted: is given the first fit, before any normals. Raises LikenessError, also for a
    photo that is no good for the long stages."""
    with clock.stage("fit"):
        observation, guess = Observation.of(view), guess_of(predictor, view)
        fit = fit_head(model, observation, guess)
        if fitted is not None:
            fitted(fit)
    with clock.stage("normals"):
        prepared = predicted(model, predictor, view, own, fit, guess)
    return replace(prepared, timings=dict(clock.timings))


def placed_side(model: HeadModel, predictor: Predictor, photo: HeadPicture, own: OwnNetworks, fit: ViewFit) -> PreparedPhoto:
    """A photo without a face, with the fit of another photo as it shows that head."""
    points = landmark_points(model, fit)
    mesh = np.column_stack([fit.camera.project(points), points[:, 2] * fit.camera.scale]).astype(np.float32)
    view = View(photo.image, photo.matte, {MEDIAPIPE: mesh}, photo.focal, photo.name, parsing=photo.parsing, modelled=True)
    surface, seen = _surface(model, fit), None
    if own.normals is not None:
        seen = own_normals(own.normals, view, fit.camera, surface)
    prediction = predictor.predict(view, fit.camera, surface, seen, own.matte is not None)
    return PreparedPhoto(view, replace(fit, residual=_SIDE_RESIDUAL), surface, prediction, {}, {}, own)


def guess_of(predictor: Predictor, view: View) -> HeadGuess | None:
    """What a photo's fit leans on; None where MediaPipe did not find the face, whose place the guess needs."""
    return None if view.modelled else predictor.guess(view)


def predicted(model: HeadModel, predictor: Predictor, view: View, own: OwnNetworks, fit: ViewFit, guess: HeadGuess | None) -> PreparedPhoto:
    """A photo with its fit, once its normals are predicted; guess: as the fit had it. Raises LikenessError as `prepare_photo`."""
    surface, seen = _surface(model, fit), None
    if own.normals is not None:
        seen = own_normals(own.normals, view, fit.camera, surface)
        fit = refine_by_normals(model, Observation.of(view), fit, seen, guess)
        surface = _surface(model, fit)
    prediction = predictor.predict(view, fit.camera, surface, seen, own.matte is not None)
    measures = measure_fit(model, view, fit, surface.framing, *prediction.pictures())
    judge(measures, view.name)
    return PreparedPhoto(view, fit, surface, prediction, measures, {}, own)


def _surface(model: HeadModel, fit: ViewFit) -> PriorSurface:
    return PriorSurface.of(model, HEAD.to_crop(fit.closed_vertices, fit.camera).astype(np.float32), HEAD)


def relief(
    prediction: CropPrediction, photo: np.ndarray, box: CropBox, front: ReliefStrength = BUNDLED_RELIEF
) -> tuple[ReliefMap | None, ReliefMap | None]:
    """What a normal network predicts of the nearest and the farthest surface, if it knows that, in a crop of a photo (H, W, 3); 0 off the
    person. front: which bends of the nearest surface it mends."""

    def picture(maps: torch.Tensor, strength: ReliefStrength) -> ReliefMap:
        return ReliefMap(maps[0].permute(1, 2, 0).cpu().numpy(), shown(photo, box, maps.shape[-1]), strength)

    return picture(prediction.front, front), None if prediction.back is None else picture(prediction.back, BUNDLED_RELIEF)


def picture_size(resolution: int) -> int:
    """Pixels a side of the pictures for a surface of so many cells a side: finer than the mesh, the photo would alias on it."""
    return min(2 * resolution, 1024)
