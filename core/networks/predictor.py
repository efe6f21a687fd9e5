"""The bundled networks applied to one crop: normals, then the encodings that fields evaluate at points."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from ..models.guess import HeadGuess
from ..models.normal_term import NormalPicture
from ..models.prior import PriorSurface
from ..photo.crop import network_photo, shown
from ..photo.figure_matte import FigureParser
from ..photo.outpaint import outpainted
from ..photo.parsing import Parser
from ..photo.view import Camera, Pictured, View
from .ageing import Ageing
from .colour import FINE_SIZE, ColourNetwork, Pictures, mirror_of
from .encoded import EncodedColours, EncodedCrop
from .field import ImplicitField
from .layers import fold_norms
from .normal import INPUT_SIZE, NormalNetwork, refined_matte
from .own import crop_normals
from .parameters import ParameterNetwork, guess
from .parsing import NetworkFigureParser, NetworkParser, ParsingNetwork
from .volume import surface_clouds
from .weights import (
    BODY_FIELD,
    BODY_NORMAL,
    load_body_parsing,
    load_colour,
    load_field,
    load_normal,
    load_own_field,
    load_parameters,
    load_parsing,
)

RELIEF_SIZE = {"head": INPUT_SIZE, "body": 512}
"""Pixels a side at which normals are predicted for the surface's relief. The field reads them at INPUT_SIZE."""


@dataclass(frozen=True)
class CropPrediction:
    """What the normal network predicts of one crop: photo (1, 4, S, S) as given, prior maps (1, 8, S, S), unit normals (1, 3, S, S) of the
    nearest and, if the weights know it, the farthest surface, 0 off the person; and the shift of the matte's logits, if they know one.
    fine: the photo (1, 4, FINE_SIZE, FINE_SIZE), for a colour network. own: finer front normals (1, 3, N, N), such as those of the user's
    own network, of which `normals` holds a smaller picture; 0 outside the photo too."""

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

    def pictures(self) -> tuple[np.ndarray, np.ndarray]:
        """The photo (S, S, 4) and the prior maps (8, S, S)."""
        return self.photo[0].permute(1, 2, 0).cpu().numpy(), self.maps[0].cpu().numpy()

    def intersect_matte(self, matte: np.ndarray) -> np.ndarray:
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

    parser, body_parser: tell the classes of a picture around a head or a whole figure, for an `Intake`; None without such weights.
    """

    def __init__(
        self,
        normal: NormalNetwork,
        field: ImplicitField,
        device: torch.device,
        colour: ColourNetwork | None = None,
        parameters: ParameterNetwork | None = None,
        parsing: ParsingNetwork | None = None,
        body_parsing: ParsingNetwork | None = None,
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
        self._ageing = None if parsing is None else Ageing.load(parsing.backbone, device, self.precision)
        self.body_parser: FigureParser | None = None
        if body_parsing is not None:
            self.body_parser = NetworkFigureParser(body_parsing, device, self.precision)

    @property
    def subject(self) -> str:
        """Whose crops the networks know: `head` or `body`."""
        return self._field.config.subject

    @classmethod
    def of_bodies(cls, device: torch.device, field: Path | None = None) -> Self:
        """For whole bodies, with the bundled weights or another trained field of a body. Raises AssetError."""
        chosen = BODY_FIELD.load() if field is None else load_own_field(field, "body")
        return cls(load_normal(BODY_NORMAL.file, parsing=load_parsing()), chosen, device)

    @classmethod
    def load(cls, device: torch.device, field: Path | None = None) -> Self:
        """With the bundled weights, or with another trained field of any configuration. Raises AssetError."""
        chosen, parsing = load_field() if field is None else load_own_field(field), load_parsing()
        return cls(load_normal(parsing=parsing), chosen, device, load_colour(), load_parameters(), parsing, load_body_parsing(parsing))

    def precision(self) -> torch.autocast:
        """Half precision where the device is fast in it."""
        return torch.autocast(self.device.type if self.device.type != "mps" else "cpu", self._half, enabled=self._autocast)

    def guess(self, view: View) -> HeadGuess | None:
        """What the parameter network makes of a view before any fit, as old as the face looks; None without one."""
        if self._parameters is None:
            return None
        found = guess(self._parameters, view)
        return found if self._ageing is None else self._ageing.aged(found, self._ageing.folds(view, view.mesh))

    @torch.inference_mode()
    def predict(
        self, view: Pictured, camera: Camera, surface: PriorSurface, seen: NormalPicture | None = None, own_matte: bool = False
    ) -> CropPrediction:
        """The photo's crop with the fitted surface in it. seen: normals of the user's own network, which stand in for the bundled one's;
        own_matte: the view's matte is the user's own network's, and stays as it is."""
        box = surface.framing.crop_box(camera)
        maps, there = surface.maps(INPUT_SIZE), shown(view.image, box, INPUT_SIZE)
        picture = network_photo(view, box, INPUT_SIZE)
        if self.subject == "head":
            picture = outpainted(picture, there, maps[7].numpy() > 0.5, maps[3:6].permute(1, 2, 0).numpy())
        photo, maps = self._picture(picture), maps[None].to(self.device)
        front, back, shift = self._relief(photo, maps)
        fine = finest = None
        if self._colour is not None:
            finer = network_photo(view, box, FINE_SIZE)
            if not there.all():
                guessed = cv2.resize(picture, (FINE_SIZE, FINE_SIZE), interpolation=cv2.INTER_LINEAR)
                finer = np.where(shown(view.image, box, FINE_SIZE)[..., None], finer, guessed)
            fine = torch.from_numpy(finer).permute(2, 0, 1)[None].to(self.colour_device)
        size = RELIEF_SIZE[self.subject]
        if size != INPUT_SIZE:
            finest, back, _ = self._relief(self._picture(network_photo(view, box, size)), surface.maps(size)[None].to(self.device))
        if seen is not None:
            finest = torch.from_numpy(crop_normals(seen, camera, surface)).permute(2, 0, 1)[None].to(self.device)
            small = _unit(F.interpolate(finest, size=(INPUT_SIZE, INPUT_SIZE), mode="area"), photo)
            front = torch.where((small != 0).any(1, keepdim=True), small, front)
        return CropPrediction(photo, maps, front, back, None if own_matte else shift, fine, finest)

    def _picture(self, picture: np.ndarray) -> torch.Tensor:
        """(1, 4, S, S) on the device of a picture (S, S, 4)."""
        return torch.from_numpy(picture).permute(2, 0, 1)[None].to(self.device).contiguous(memory_format=torch.channels_last)

    def _relief(self, photo: torch.Tensor, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """Unit normals of the nearest and the farthest surface, and the shift of the matte's logits."""
        with self.precision():
            relief = self._normal(photo, maps)
        return _unit(relief.front, photo), None if relief.back is None else _unit(relief.back, photo), relief.shift

    @torch.inference_mode()
    def encode(self, prediction: CropPrediction, surface: PriorSurface) -> EncodedCrop:
        """The crop after the encoders of field and colour network, ready to be evaluated at points."""
        device, cloud = self.field_device, None
        if self._field.config.volume:
            cloud = _cloud(surface).to(device)
        with self.precision():
            encoded = self._field.encode(prediction.photo.to(device), prediction.maps.to(device), prediction.normals.to(device), cloud)
        # Points read maps in full precision: converted here, not once more with every batch of them.
        encoded = replace(encoded, scales=[scale.float() for scale in encoded.scales])
        return EncodedCrop(self._field, encoded, device, self.precision, self._encode_colours(prediction, surface))

    def _encode_colours(self, prediction: CropPrediction, surface: PriorSurface) -> EncodedColours | None:
        if self._colour is None or prediction.fine is None:
            return None
        there = lambda values: values.to(self.colour_device)  # noqa: E731
        maps = there(prediction.fine), there(prediction.maps), there(prediction.normals)
        pictures = Pictures(*maps, there(_cloud(surface)), there(mirror_of(surface.canonical)), surface.framing.eye_depth)
        with self.precision():
            return EncodedColours(self._colour, self._colour.encode_pictures(pictures), self.colour_device)


def _unit(normals: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
    """Normals (1, 3, S, S) of length 1, and 0 off the person in the photo (1, 4, S, S)."""
    return F.normalize(normals.float(), dim=1, eps=1e-3) * (photo[:, 3:] > 0.5)


def _cloud(surface: PriorSurface) -> torch.Tensor:
    """(1, V, 9), what volume encoders see of a fitted surface."""
    vertices, canonical = (torch.from_numpy(values.astype(np.float32)) for values in (surface.vertices, surface.canonical))
    return surface_clouds(vertices[None], torch.from_numpy(np.asarray(surface.faces, np.int64)), canonical)
