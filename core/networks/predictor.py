"""The bundled networks applied to one crop: normals, then a field of signed distance and colour that can be asked at any points."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from ..models.guess import HeadGuess
from ..models.prior import POINT_CHANNELS, FaceBlend, PriorSurface, PriorVolume
from ..photo.crop import network_photo, shown
from ..photo.outpaint import outpainted
from ..photo.parsing import Parser
from ..photo.view import Camera, View
from .aligned import Encoded
from .colour import FINE_SIZE, ColourNetwork, Palette, Pictures, mirror_of
from .field import ImplicitField, Shape
from .layers import fold_norms
from .normal import INPUT_SIZE, NormalNetwork, refined_matte
from .own import BUNDLED, OwnNetworks, own_normals
from .parameters import ParameterNetwork, guess
from .parsing import NetworkParser, ParsingNetwork
from .semantic import fitted_code
from .volume import surface_clouds
from .weights import load_colour, load_field, load_normal, load_own_field, load_parameters, load_parsing

_BATCH_CPU, _BATCH_GPU = 16_384, 65_536  # points
_GROWTH, _RIM = 0.012, 0.04  # crop units: how far, and how near the outline


@dataclass(frozen=True)
class Sight:
    """What the normal network sees in one crop: photo (1, 4, S, S) as given, prior maps (1, 8, S, S), unit normals (1, 3, S, S) of the
    nearest and, if the weights know it, the farthest surface, 0 off the person; and the shift of the matte's logits, if they know one.
    fine: the photo (1, 4, FINE_SIZE, FINE_SIZE), for a colour network. own: front normals (1, 3, SIZE, SIZE) of the user's own network,
    of which `normals` holds a smaller picture; 0 outside the photo too."""

    photo: torch.Tensor
    maps: torch.Tensor
    normals: torch.Tensor
    back: torch.Tensor | None
    shift: torch.Tensor | None
    fine: torch.Tensor | None = None
    own: torch.Tensor | None = None

    @property
    def front(self) -> torch.Tensor:
        """Front normals (1, 3, N, N) as fine as there are."""
        return self.normals if self.own is None else self.own

    def agreed(self, matte: np.ndarray) -> np.ndarray:
        """The crop's matte (N, N) of any resolution where the network takes it for the person too; the same one if the network knows no
        matte.

        It colours what is surely not background. It is no outline: the network expects rough mattes as in training, and makes those of real
        segmentation worse (IoU with true masks 0.995 as given, 0.984 refined; before cluttered walls 0.988 and 0.980).
        """
        if self.shift is None:
            return matte
        shift = F.interpolate(self.shift.cpu(), size=matte.shape, mode="bilinear", align_corners=False)[0, 0]
        return np.minimum(matte, refined_matte(torch.from_numpy(matte), shift).numpy())


class Predictor:
    """The networks on one device, loaded once; colour, parameters and parsing are used if there are such weights.

    parser: tells the classes of a picture around a head, for `load_view`; None without such weights.
    """

    def __init__(
        self,
        normal: NormalNetwork,
        field: ImplicitField,
        device: torch.device,
        colour: ColourNetwork | None = None,
        parameters: ParameterNetwork | None = None,
        parsing: ParsingNetwork | None = None,
    ) -> None:
        self.device = device
        self._normal = fold_norms(normal).to(device)
        # Metal lacks operations on volumes in the versions of torch that we support.
        self.field_device = torch.device("cpu") if device.type == "mps" and field.config.volume else device
        self._field = fold_norms(field).to(self.field_device)
        self._parameters = None if parameters is None else fold_norms(parameters)
        volumes = colour is not None and bool(colour.config.volume or colour.colours_config.textured)
        self.colour_device = torch.device("cpu") if device.type == "mps" and volumes else device
        self._colour = None if colour is None else fold_norms(colour).to(self.colour_device)
        self._half = torch.float16 if device.type == "cuda" else torch.bfloat16
        self._autocast = device.type == "cuda" or (device.type == "cpu" and "AVX512" in torch.backends.cpu.get_cpu_capability())
        self.parser: Parser | None = None if parsing is None else NetworkParser(parsing, device, self.precision)

    @classmethod
    def load(cls, device: torch.device, field: Path | None = None) -> Self:
        """With the bundled weights, or with another trained field of any configuration. Raises AssetError."""
        chosen, parsing = load_field() if field is None else load_own_field(field), load_parsing()
        return cls(load_normal(parsing=parsing), chosen, device, load_colour(), load_parameters(), parsing)

    def precision(self) -> torch.autocast:
        """Half precision where the device is fast in it."""
        return torch.autocast(self.device.type if self.device.type != "mps" else "cpu", self._half, enabled=self._autocast)

    def guess(self, view: View) -> HeadGuess | None:
        """What the parameter network makes of a view before any fit; None without one."""
        return None if self._parameters is None else guess(self._parameters, view)

    @torch.inference_mode()
    def look(self, view: View, camera: Camera, surface: PriorSurface, own: OwnNetworks = BUNDLED) -> Sight:
        """The photo's crop with the fitted surface in it. Raises InputError when own networks do not answer as they should."""
        maps, there = surface.maps(INPUT_SIZE), shown(view.image, camera, INPUT_SIZE)
        picture = outpainted(network_photo(view, camera, INPUT_SIZE), there, maps[7].numpy() > 0.5, maps[3:6].permute(1, 2, 0).numpy())
        photo = torch.from_numpy(picture).permute(2, 0, 1)[None].to(self.device).contiguous(memory_format=torch.channels_last)
        maps = maps[None].to(self.device)
        with self.precision():
            relief = self._normal(photo, maps)
        unit = lambda normals: F.normalize(normals.float(), dim=1, eps=1e-3) * (photo[:, 3:] > 0.5)  # noqa: E731
        fine = None
        if self._colour is not None:
            finer = network_photo(view, camera, FINE_SIZE)
            if not there.all():
                guessed = cv2.resize(picture, (FINE_SIZE, FINE_SIZE), interpolation=cv2.INTER_LINEAR)
                finer = np.where(shown(view.image, camera, FINE_SIZE)[..., None], finer, guessed)
            fine = torch.from_numpy(finer).permute(2, 0, 1)[None].to(self.colour_device)
        front, finest = unit(relief.front), None
        if own.normals is not None:
            finest = torch.from_numpy(own_normals(own.normals, view, camera, surface)).permute(2, 0, 1)[None].to(self.device)
            small = unit(F.interpolate(finest, size=(INPUT_SIZE, INPUT_SIZE), mode="area"))
            front = torch.where((small != 0).any(1, keepdim=True), small, front)
        back = None if relief.back is None else unit(relief.back)
        return Sight(photo, maps, front, back, relief.shift if own.matte is None else None, fine, finest)

    @torch.inference_mode()
    def field(self, sight: Sight, surface: PriorSurface, blend: FaceBlend) -> "CropField":
        """The field over the crop, ready to be asked."""
        device, cloud = self.field_device, None
        if self._field.config.volume:
            cloud = _cloud(surface).to(device)
        with self.precision():
            encoded = self._field.encode(sight.photo.to(device), sight.maps.to(device), sight.normals.to(device), cloud)
        # Points read maps in full precision: converted here, not once more with every batch of them.
        encoded = replace(encoded, scales=[scale.float() for scale in encoded.scales])
        volume = PriorVolume(surface, blend.weight[:, None])
        outside = _outside(sight.photo[0, 3].cpu().numpy())
        return CropField(self, encoded, volume, blend.strength, outside, self._palette(sight, surface))

    def _palette(self, sight: Sight, surface: PriorSurface) -> Palette | None:
        if self._colour is None or sight.fine is None:
            return None
        there = lambda values: values.to(self.colour_device)  # noqa: E731
        pictures = there(sight.fine), there(sight.maps), there(sight.normals), there(_cloud(surface)), there(mirror_of(surface.code))
        with self.precision():
            return self._colour.look(Pictures(*pictures))

    def ask(self, encoded: Encoded, points: torch.Tensor, prior: torch.Tensor) -> Shape:
        """Signed distances (N,) and codes (N, 3), if the field predicts them, at points (N, 3) with prior features (N, 7)."""
        with self.precision():
            features = self._field.features(encoded, points[None], prior[None])
        # In half precision the rounding of distances shows as a rough surface; encoders bear it.
        shape = self._field.shape(features, prior[None])
        return Shape(shape.distance[0], None if shape.code is None else shape.code[0])

    def colours(self, encoded: Encoded, palette: Palette | None, points: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """sRGB (N, 3) at points (N, 3) with prior features (N, 7): the colour network's, or else the field's."""
        if self._colour is not None and palette is not None:
            with self.precision():
                return self._colour.colours(palette, points[None].to(self.colour_device), prior[None].to(self.colour_device))[0][0]
        points, prior = points.to(self.field_device), prior.to(self.field_device)
        with self.precision():
            features = self._field.features(encoded, points[None], prior[None])
        return self._field.colours(features)[0]


def _cloud(surface: PriorSurface) -> torch.Tensor:
    """(1, V, 9), what volume encoders see of a fitted surface."""
    vertices, code = (torch.from_numpy(values.astype(np.float32)) for values in (surface.vertices, surface.code))
    return surface_clouds(vertices[None], torch.from_numpy(np.asarray(surface.faces, np.int64)), code)


class CropField:
    """Signed distance and colour in the crop frame, for one photo."""

    def __init__(
        self,
        predictor: Predictor,
        encoded: Encoded,
        volume: PriorVolume,
        strength: float,
        outside: np.ndarray,
        palette: Palette | None = None,
    ) -> None:
        self._predictor, self._encoded, self._volume, self._strength = predictor, encoded, volume, strength
        self._palette = palette
        self._outside = torch.from_numpy(outside)[None, None]

    def prior_distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) the fitted model's own signed distance."""
        return self._volume(torch.from_numpy(points))[:, 0].numpy()

    def in_hull(self, points: np.ndarray) -> np.ndarray:
        """(N,) bool: could the surface be here? Within the silhouette (and a margin), and near the fitted model or where hair may be."""
        tensor = torch.from_numpy(points)
        return ((self._silhouette(tensor) < 0.12) & (self._volume(tensor)[:, 0].abs() < 0.45)).numpy()

    def face(self, points: np.ndarray) -> np.ndarray:
        """(N,) in [0, 1]: is this around the part of the fitted face that is trusted?"""
        values = self._volume(torch.from_numpy(points))
        return (values[:, POINT_CHANNELS].clamp(max=1) * _near(values[:, 0])).numpy()

    def silhouette(self, points: np.ndarray) -> np.ndarray:
        """(N,) signed distance to the outline in the picture, negative inside."""
        return self._silhouette(torch.from_numpy(points)).numpy()

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) signed distance, negative inside: the network's, drawn to the fitted face where that is trusted, cut to the silhouette."""
        return self._in_batches(points, self._distance, ())

    def codes(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) semantic code in [0, 1]³, fading with distance: the network's, or the fitted model's if the network predicts none."""
        return self._in_batches(points, self._codes, (3,))

    def colours(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) sRGB in [0, 1]."""
        return self._in_batches(points, self._colours, (3,))

    @torch.inference_mode()
    def _in_batches(
        self, points: np.ndarray, ask: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], shape: tuple[int, ...]
    ) -> np.ndarray:
        parts = []
        size = _BATCH_CPU if self._predictor.field_device.type == "cpu" else _BATCH_GPU
        for start in range(0, len(points), size):
            batch = torch.from_numpy(np.ascontiguousarray(points[start : start + size], np.float32))
            parts.append(ask(batch, self._volume(batch)).float())
        return torch.cat(parts).numpy() if parts else np.zeros((0, *shape), np.float32)

    def _distance(self, points: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        learned, weight, model = self._shape(points, values).distance.cpu(), values[:, POINT_CHANNELS], values[:, 0]
        trust, near = weight.clamp(max=1), _near(model)
        share = trust * self._strength * near
        # Hair or a beard in front of the face: where both disagree by much, the network is right.
        disagreement = (learned.clamp(-0.1, 0.1) - model.clamp(-0.1, 0.1)).abs()
        share = torch.maximum(share * (1 - (disagreement - 0.015) / 0.025).clamp(0, 1), (weight - 1).clamp(min=0) * near)
        silhouette = self._silhouette(points)
        # An uncertain field averages outlines and so stays inside the true one: let it grow there, except the face, as far as the
        # silhouette allows.
        grown = learned - _GROWTH * (1 - trust) * torch.exp(-((silhouette / _RIM) ** 2))
        return torch.maximum(grown + share * (model - grown), silhouette)

    def _codes(self, points: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        code = self._shape(points, values).code
        return fitted_code(values[:, :POINT_CHANNELS]) if code is None else code.cpu()

    def _colours(self, points: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return self._predictor.colours(self._encoded, self._palette, points, values[:, :POINT_CHANNELS]).cpu()

    def _shape(self, points: torch.Tensor, values: torch.Tensor) -> Shape:
        device = self._predictor.field_device
        return self._predictor.ask(self._encoded, points.to(device), values[:, :POINT_CHANNELS].to(device))

    def _silhouette(self, points: torch.Tensor) -> torch.Tensor:
        where = torch.stack([points[:, 0], -points[:, 1]], dim=-1)[None, None]
        return F.grid_sample(self._outside, where, align_corners=False, padding_mode="border")[0, 0, 0]


def _near(distance: torch.Tensor) -> torch.Tensor:
    """1 at the fitted model's surface, fading over 2 cm; (N,) of its signed distance."""
    return torch.exp(-((distance / 0.1) ** 2))


def _outside(matte: np.ndarray) -> np.ndarray:
    """Distance to the silhouette in crop units (S, S), positive outside, with sub-pixel edges from the matte's own softness."""
    step = 2.0 / len(matte)
    person = (matte > 0.5).astype(np.uint8)
    # Beyond the picture's border the person goes on: a shoulder must not be rounded off there.
    padded = cv2.copyMakeBorder(person, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    out = cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    into = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    distance = np.where(person > 0, 0.5 - into, out - 0.5)
    near = np.abs(distance) < 1.0
    distance = np.where(near, 0.5 * distance + 0.5 * (0.5 - matte), distance)
    return cv2.GaussianBlur((distance * step).astype(np.float32), (0, 0), 0.7)
