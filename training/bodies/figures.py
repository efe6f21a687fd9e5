"""Stored body samples as the trainers read them: pictures of the networks' size, and a fit's maps and point features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch

from ...core.geometry.mesh import vertex_normals
from ...core.models.body import BodyModel
from ...core.models.prior import MAP_CHANNELS, POINT_CHANNELS, PriorSurface
from ...core.networks.semantic import semantic_correspondence
from ...core.photo.framing import Framing
from ...core.photo.view import Camera
from ..data.dataset import MAP_SCALE, SURFACE_FIELDS, Shards
from ..recipe import METRES
from .depths import LimbDepths, contradicted
from .simulated_fits import SimulatedFits

_PICTURES = ("albedo", "normal", "normal_back", "coverage", "ambient", "material", "shadows")
_SPACE = ("points", "distance", "surface", "surface_normal", "surface_albedo", "surface_valid")
_TRUTH = ("camera", "naked", "joints")
_FITS = ("fit_found", "fit_vertices", "fit_labels")
Depths = Literal["true", "fit"]
_CROP = Framing(1.0, (0.0, 0.0, 0.0))  # depths of fitted bodies count from the crop's middle, whatever its size
_FAR = 0.5  # crop units to the fitted surface, where there is none


@dataclass(frozen=True)
class Fitted:
    """A fit of a stored sample: vertices (V, 3) in the crop frame of the fit, whose z counts from the fitted root joint. Labels at z of the
    stored crop frame lie at (z - shift) * stretch in it, and a metre of theirs is `unit` crop units long."""

    vertices: np.ndarray
    shift: float
    stretch: float
    unit: float


class Figures:
    """Samples (dataset.StoredSamples) of a folder of shards, each under a fit: a real one where the folder holds it, else a simulated one.

    size: of the pictures. zoom: the most that a picture is enlarged, and then cut to a window on the person. wanted: fields of the
    trainers' samples. without_fit: share of samples that see no fit. simulated: share of simulated fits where there is a real one.
    depths: of the labels of samples with a fit, `true` ones or those of the `fit` (depths.py).
    """

    metres = METRES["body"]

    def __init__(
        self, folder: Path, size: int, wanted: tuple[str, ...], zoom: float = 1.0, without_fit: float = 0.1, simulated: float = 0.3,
        names: str = "shard_*", depths: Depths = "true",
    ) -> None:  # fmt: skip
        self._size, self._zoom, self._wanted = size, zoom, wanted
        self._without_fit, self._simulated_share, self._depths = without_fit, simulated, depths
        pictures = tuple(name for name in _PICTURES if name in wanted)
        self._shards = Shards(folder, (*pictures, "keys", *_TRUTH, *(_SPACE if "points" in wanted else ())), names, optional=_FITS)
        self._body = BodyModel.load()
        self._simulated = SimulatedFits(self._body)

    def __len__(self) -> int:
        return len(self._shards)

    def draw(self, index: int, points: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """As StoredSamples."""
        stored = {name: values[0] for name, values in self._shards[index].items()}
        real = stored.get("fit_found", 0) and rng.random() >= self._simulated_share
        fit = self._stored_fit(stored) if real else self._simulated_fit(stored, rng)
        surface = PriorSurface.of(self._body, self._body.closed_mesh.on(fit.vertices), _CROP)
        hidden = rng.random() < self._without_fit
        result = self._pictures(stored, surface, hidden, rng)
        if points:
            result |= self._space(stored, fit, surface, hidden, points, rng)
        if "prior_vertices" in self._wanted:
            result["prior_vertices"] = surface.vertices
        return result

    def _stored_fit(self, stored: dict[str, np.ndarray]) -> Fitted:
        """Of the real detector (fits.py)."""
        shift, stretch = stored["fit_labels"].tolist()
        return Fitted(stored["fit_vertices"].astype(np.float32), shift, stretch, float(stored["camera"][2]) * stretch)

    def _simulated_fit(self, stored: dict[str, np.ndarray], rng: np.random.Generator) -> Fitted:
        """The true body with errors, the origin at the depth of its root joint."""
        naked, (across, up, root) = stored["naked"].astype(np.float32), stored["joints"][0]
        about = naked - stored["joints"][0]
        moved = self._simulated(about, vertex_normals(about, self._body.faces), rng) + np.array([across, up, 0], np.float32)
        right, down, unit, near = (float(value) for value in stored["camera"])
        away = 1 / near - root
        stretch = 1 / (1 - root * near)  # a nearer origin has a shorter unit
        camera = Camera((1 + right, 1 + down), unit * stretch, away)
        half = 1 / camera.scale
        framing = Framing(half, (-right * half, down * half, 0.0))
        return Fitted(framing.to_crop(moved, camera).astype(np.float32), root * unit, stretch, camera.scale)

    def _true(self, stored: dict[str, np.ndarray]) -> np.ndarray:
        """The true naked body's closed mesh (V, 3) in the stored crop frame."""
        right, down, unit, near = (float(value) for value in stored["camera"])
        camera = Camera((1 + right, 1 + down), unit, 1 / near)
        points = Framing(1 / unit, (-right / unit, down / unit, 0.0)).to_crop(stored["naked"].astype(np.float32), camera)
        return self._body.closed_mesh.on(points)

    def _pictures(
        self, stored: dict[str, np.ndarray], surface: PriorSurface, hidden: bool, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:  # fmt: skip
        whole = round(self._size * rng.uniform(1, self._zoom))
        rows, columns = np.nonzero(stored["coverage"][::8, ::8] > 127)
        step = whole * 8 / len(stored["coverage"])
        middle = (0, 0)
        if len(rows) and whole > self._size:
            chosen = rng.integers(len(rows))
            middle = (int(rows[chosen] * step), int(columns[chosen] * step))
        top, left = (int(np.clip(place - self._size // 2, 0, whole - self._size)) for place in middle)
        window = slice(top, top + self._size), slice(left, left + self._size)
        result = {
            name: resized(stored[name][0] if name == "shadows" else stored[name], whole, exact=name == "material")[window]
            for name in _PICTURES
            if name in stored
        }
        maps = np.zeros((self._size, self._size, MAP_CHANNELS), np.float32)
        if not hidden:
            maps = surface.maps(whole).permute(1, 2, 0).numpy()[window] * MAP_SCALE
        return result | {"shadows": result["shadows"][None], "keys": stored["keys"], "maps": maps}

    def _space(
        self, stored: dict[str, np.ndarray], fit: Fitted, surface: PriorSurface, hidden: bool, points: int, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:  # fmt: skip
        def there(points: np.ndarray) -> np.ndarray:
            moved = points.astype(np.float32)
            moved[:, 2] = (moved[:, 2] - fit.shift) * fit.stretch
            return moved

        at, on, normals = there(stored["points"]), there(stored["surface"]), stored["surface_normal"]
        distance, usable = stored["distance"].astype(np.float32) * fit.unit, np.arange(len(at))
        if self._depths == "fit" and not hidden:
            limbs = LimbDepths.of(there(self._true(stored)), surface.vertices)
            normals = np.round(limbs.turned(on, normals.astype(np.float32) / 127) * 127).astype(np.int8)
            at, on = limbs.moved(at), limbs.moved(on)
            usable = np.flatnonzero(~contradicted(at, distance, on, normals.astype(np.float32) / 127))
        chosen = rng.choice(usable, points, replace=len(usable) < points)
        on_surface = rng.choice(len(on), points // 2, replace=False)
        result = {name: stored[name][on_surface] for name in SURFACE_FIELDS if name in stored}
        result |= {"points": at[chosen], "surface": on[on_surface], "surface_normal": normals[on_surface]}
        result["distance"] = distance[chosen]
        places = np.concatenate([result["points"], result["surface"]])
        prior = np.tile(np.array([_FAR, *[0.0] * (POINT_CHANNELS - 1)], np.float32), (len(places), 1))
        if not hidden:
            prior = surface.point_features()(places)
        result |= {"prior": prior[:points], "surface_prior": prior[points:]}
        if "code" in self._wanted:
            true = PriorSurface.of(self._body, there(self._true(stored)), _CROP)
            place = torch.from_numpy(true.point_features()(result["points"])[:, 1:4])
            result["code"] = semantic_correspondence(place, "body").numpy() * 255
        return result


def resized(picture: np.ndarray, size: int, exact: bool = False) -> np.ndarray:
    """A picture (S, S, ...) uint8 or int8 at another size; exact: without mixing its values."""
    way = cv2.INTER_NEAREST if exact else cv2.INTER_AREA if size < len(picture) else cv2.INTER_LINEAR
    if picture.dtype != np.int8:
        return cv2.resize(picture, (size, size), interpolation=way)
    unsigned = np.bitwise_xor(picture.view(np.uint8), 128)
    return np.bitwise_xor(np.asarray(cv2.resize(unsigned, (size, size), interpolation=way), np.uint8), 128).view(np.int8)
