"""Detail networks of the user's own: ONNX files with the interface of DAViD (Saleh et al. 2025), run by onnxruntime.

One tensor (1, 3, 512, 512), BGR in [0, 1], to any of normals (1, 3, 512, 512), foreground (1, 1, 512, 512) and depth (1, 512, 512), told
apart by their shapes. They stand in for our front normals and our matte; docs/detail_networks.md.
"""

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import permutations, product
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

import cv2
import numpy as np

from ..errors import InputError, is_out_of_memory
from ..models.normal_term import NormalPicture
from ..models.prior import PriorSurface
from ..photo.crop import crop_picture, shown
from ..photo.figure_matte import FigureParser
from ..photo.framing import Framing
from ..photo.matte import with_coverage
from ..photo.parsing import CLASSES, Parser
from ..photo.view import Camera, Pictured, View
from ..settings import Settings
from .onnx_file import is_self_contained

SIZE = 512
"""Pixels a side of the pictures that these networks take and give."""
_CHANNELS = {"normals": 3, "matte": 1}
_MOST_BYTES = 2 * 2**30
_PROVIDERS = {"cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider", "directml": "DmlExecutionProvider"}
_LEAST_COSINE = {"face": 0.9, "body": 0.8}  # median between a network's normals and the fitted model's; folds and hair may be anything
_LEAST_MARGIN = 0.05  # of the mean cosine of the best choice of axes over the second best's; true normals of drawn people have 0.11 or more
_FEWEST_PIXELS = 500
_KNOWN = 0.5  # length of an interpolated normal below which more than half of it lies off the person
_BARE = ("skin", "beard", "eyes", "lips")  # beards and brows follow the skin closely enough
_FACE_TOP, _FACE_BOTTOM, _FACE_BACK = 0.2, -0.5, -0.3  # crop units on the mean head


_P = TypeVar("_P")


class DetailNetwork:
    """One ONNX file, loaded. name: the file's. sha256: of its bytes."""

    def __init__(self, path: Path, device: str = "auto") -> None:
        """device: one of settings.DEVICES. Raises InputError when the file or onnxruntime cannot be used."""
        self.name, self.sha256 = path.name, _digest(path)
        self._session = _session(path, device)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not _may_be(inputs[0].shape, (1, 3, SIZE, SIZE)):
            raise InputError(f"{self.name} does not take one picture (1, 3, {SIZE}, {SIZE}) of 32-bit floats; choose another network.")
        self._input = inputs[0].name

    def gives(self, what: str) -> None:
        """Raises InputError when the file says that none of its answers are "normals", or a "matte"."""
        if not any(_may_be(output.shape, _shape(what)) for output in self._session.get_outputs()):
            self._refuse(what)

    def __call__(self, picture: np.ndarray, what: str) -> np.ndarray:
        """ "normals" (SIZE, SIZE, 3) in axes of the network's own, not normalised, or "matte" (SIZE, SIZE, 1), float32, of a picture
        (SIZE, SIZE, 3), sRGB in [0, 1]. Raises InputError when the file does not answer so."""
        names = [output.name for output in self._session.get_outputs() if _may_be(output.shape, _shape(what))]
        tensor = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)[None], np.float32)
        try:
            answers = self._session.run(names, {self._input: tensor})
        except Exception as error:
            raise _unusable(self.name, error) from error
        # A depth of four dimensions comes before the foreground.
        found = next((answer for answer in reversed(answers) if np.shape(answer) == _shape(what)), None)
        if found is None:
            self._refuse(what)
        if not np.isfinite(found).all():
            raise InputError(f"{self.name} answers with values that are not finite; choose another network.")
        return np.ascontiguousarray(found[0].transpose(1, 2, 0), np.float32)

    def _refuse(self, what: str) -> NoReturn:
        raise InputError(f"{self.name} gives no {what} of shape {_shape(what)}; choose another network.")


class OwnMatte:
    """`photo.parsing.Parser` whose coverage is a detail network's foreground; the classes in it are those of another parser."""

    size = SIZE
    outline_stays = True

    def __init__(self, network: DetailNetwork, parser: Parser) -> None:
        self._network, self._parser = network, parser

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        shares = self._parser(_resized(picture, self._parser.size))
        return _covered(shares, self._network(picture.astype(np.float32) / 255, "matte")[..., 0])


class OwnFigureMatte:
    """`photo.figure_matte.FigureParser` whose coverage is a detail network's foreground, where it is nearer to the guide's subject than to
    others; the classes in it are those of another parser."""

    size = SIZE

    def __init__(self, network: DetailNetwork, parser: FigureParser) -> None:
        self._network, self._parser = network, parser

    def __call__(self, picture: np.ndarray, guide: np.ndarray) -> np.ndarray:
        size = self._parser.size
        shares = self._parser(_resized(picture, size), cv2.resize(guide, (size, size), interpolation=cv2.INTER_NEAREST))
        coverage = self._network(picture.astype(np.float32) / 255, "matte")[..., 0]
        if (guide > 0).any() and (guide < 0).any():
            own, others = (cv2.distanceTransform((~there).astype(np.uint8), cv2.DIST_L2, 5) for there in (guide > 0, guide < 0))
            coverage = np.where(own <= others, coverage, 0)
        return _covered(shares, coverage)


def _resized(picture: np.ndarray, size: int) -> np.ndarray:
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def _covered(shares: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Shares (SIZE, SIZE, len(CLASSES)) whose coverage is (SIZE, SIZE), of a parser's (S, S, len(CLASSES))."""
    # Where the parser sees background alone, what it takes for a thing is noise, which must not cut holes.
    shares[..., CLASSES.index("object")] *= 1 - shares[..., 0]
    # OpenCV resizes a few channels at a time.
    layers = [cv2.resize(shares[..., index], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for index in range(shares.shape[2])]
    return with_coverage(np.stack(layers, axis=-1), np.clip(coverage, 0, 1)).astype(np.float32)


@dataclass(frozen=True)
class OwnNetworks:
    """The detail networks that settings name; None where they name none."""

    normals: DetailNetwork | None = None
    matte: DetailNetwork | None = None
    _key: tuple[object, ...] = ()

    @classmethod
    def of(cls, settings: Settings, before: Self) -> Self:
        """Those of the settings, loaded unless they are the ones of `before`. Raises InputError."""
        key = (settings.device, *(file_state(file) for file in (settings.normals, settings.matte)))
        if key == before._key:
            return before
        loaded: dict[str, DetailNetwork] = {}
        for what, file in (("normals", settings.normals), ("matte", settings.matte)):
            if file:
                if file not in loaded:
                    loaded[file] = DetailNetwork(Path(file), settings.device)
                loaded[file].gives(what)
        return cls(loaded.get(settings.normals), loaded.get(settings.matte), key)

    def parser(self, bundled: Parser | None) -> Parser | None:
        """What cuts heads out: the bundled parser, with the own matte if there is one. Raises InputError without a bundled one."""
        return bundled if self.matte is None else OwnMatte(self.matte, self._needed(bundled))

    def figure_parser(self, bundled: FigureParser | None) -> FigureParser | None:
        """As `parser`, of whole figures."""
        return bundled if self.matte is None else OwnFigureMatte(self.matte, self._needed(bundled))

    def _needed(self, bundled: _P | None) -> _P:
        if bundled is None and self.matte is not None:
            raise InputError(f"{self.matte.name} needs the parsing network, which this installation lacks; reinstall the extension.")
        assert bundled is not None
        return bundled

    def hashes(self) -> dict[str, str]:
        """normals/FILE and matte/FILE -> SHA-256, for reports."""
        named = (("normals", self.normals), ("matte", self.matte))
        return {f"{what}/{network.name}": network.sha256 for what, network in named if network is not None}


BUNDLED = OwnNetworks()
"""No detail networks of the user's own."""


def own_normals(network: DetailNetwork, view: View, camera: Camera, surface: PriorSurface) -> NormalPicture:
    """What a network sees in the crop around a head, 0 off the person and outside the photo; bare skin and eyes tell of the head below.
    surface: the fitted model's. Raises InputError."""
    picture = _seen_by(network, view, camera, surface, "face")
    bare = np.ones(picture.trust.shape, np.float32)
    if view.parsing is not None:
        bare = view.parsing.crop(picture.box, SIZE)[..., [CLASSES.index(name) for name in _BARE]].sum(-1)
    return replace(picture, trust=bare * picture.trust)


def own_body_normals(network: DetailNetwork, view: Pictured, camera: Camera, surface: PriorSurface) -> NormalPicture:
    """As own_normals, in the crop around a whole body, all of which counts."""
    return _seen_by(network, view, camera, surface, "body")


def _seen_by(network: DetailNetwork, view: Pictured, camera: Camera, surface: PriorSurface, part: str) -> NormalPicture:
    box = surface.framing.crop_box(camera)
    person = (crop_picture(view.matte, box, SIZE) > 0.5) & shown(view.image, box, SIZE)
    answer = network(crop_picture(view.image, box, SIZE, cv2.BORDER_REPLICATE), "normals")
    return NormalPicture(camera_normals(answer, network.name, camera, surface, person, part), person.astype(np.float32), box)


def camera_normals(
    answer: np.ndarray, name: str, camera: Camera, surface: PriorSurface, person: np.ndarray, part: str = "face"
) -> np.ndarray:
    """Unit normals (S, S, 3) in camera axes, 0 off the person, of a network's answer (S, S, 3) in unknown ones.

    surface: the fitted model's; person (S, S) bool: where the photo shows the person; part: which of the fitted model is compared, the
    face or the whole body. Raises InputError when no choice of axes agrees with that part clearly better than all others.
    """
    length = np.linalg.norm(answer, axis=-1, keepdims=True)
    unit = answer / np.maximum(length, 1e-6)
    maps = surface.maps(len(answer)).numpy()
    compared = person & (maps[7] > 0.5) & (length[..., 0] > 1e-6)
    if part == "face":
        _, y, z = maps[3:6]
        compared &= (y < _FACE_TOP) & (y > _FACE_BOTTOM) & (z > _FACE_BACK)
    places = _places(camera, surface.framing, maps)[compared]
    fitted = camera.normals_from_crop(maps[:3].transpose(1, 2, 0)[compared], places)
    order, signs = _axes(unit[compared], fitted, name, part)
    return np.where((person & (length[..., 0] > 1e-6))[..., None], unit[..., order] * signs, 0).astype(np.float32)


def crop_normals(picture: NormalPicture, camera: Camera, surface: PriorSurface) -> np.ndarray:
    """The picture's normals (SIZE, SIZE, 3) in the crop frame of a camera, which may differ from the one that they were seen with."""
    left, top, side = picture.box
    column, row, width = (np.array(surface.framing.crop_box(camera)) - [left, top, 0]) * (len(picture.normals) / side)
    normals = crop_picture(picture.normals, (column, row, width), SIZE)
    known = np.linalg.norm(normals, axis=-1, keepdims=True) > _KNOWN
    places = _places(camera, surface.framing, surface.maps(SIZE).numpy())
    turned = camera.normals_to_crop(normals.reshape(-1, 3), places.reshape(-1, 3)).reshape(normals.shape)
    return np.where(known, turned / np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-6), 0).astype(np.float32)


def _axes(found: np.ndarray, fitted: np.ndarray, name: str, part: str) -> tuple[list[int], np.ndarray]:
    """Order and signs of a network's axes that bring its unit normals (N, 3) nearest to the fitted model's (N, 3), camera frame."""
    if len(found) >= _FEWEST_PIXELS:
        products = fitted.T @ found / len(found)  # the mean cosine of any choice is a sum of three of these
        choices = [(list(order), np.array(signs, np.float32)) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
        cosines = np.array([sum(signs[axis] * products[axis, order[axis]] for axis in range(3)) for order, signs in choices])
        best, second = np.argsort(cosines)[:-3:-1]
        order, signs = choices[best]
        agreement = np.median((found[:, order] * signs * fitted).sum(1))
        if agreement >= _LEAST_COSINE[part] and cosines[best] - cosines[second] >= _LEAST_MARGIN:
            return order, signs
    raise InputError(f"The normals of {name} do not agree with the {part} in the photo in any axes; choose another network or photo.")


def _places(camera: Camera, framing: Framing, maps: np.ndarray) -> np.ndarray:
    """(S, S, 3) camera-frame points in the crop's pixels: on the fitted model, beside it as deep as the eyes."""
    size = maps.shape[-1]
    across = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    depth = np.where(maps[7] > 0.5, maps[6], 0) + framing.eye_depth
    points = np.stack([np.broadcast_to(across, depth.shape), np.broadcast_to(-across[:, None], depth.shape), depth], axis=-1)
    return framing.from_crop(points.reshape(-1, 3), camera).reshape(size, size, 3)


def _shape(what: str) -> tuple[int, ...]:
    return (1, _CHANNELS[what], SIZE, SIZE)


def _may_be(declared: Iterable[Any] | None, shape: tuple[int, ...]) -> bool:
    """Whether a declared shape, in which a name or None stands for any number, allows this one."""
    sizes = list(declared or ())
    return len(sizes) == len(shape) and all(not isinstance(one, int) or one == other for one, other in zip(sizes, shape, strict=True))


def file_state(file: str) -> tuple[str, int, int] | None:
    """Which file, and what changes when it is replaced."""
    if not file:
        return None
    try:
        found = Path(file).stat()
    except OSError as error:
        raise InputError(f"{Path(file).name} cannot be read; check that the file is there.") from error
    return file, found.st_size, found.st_mtime_ns


def _digest(path: Path) -> str:
    """SHA-256 of an ONNX file that holds all of its weights. Raises InputError for any other."""
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise InputError(f"{path.name} is larger than 2 GB; choose a smaller network.")
        if size == 0:
            raise ValueError("empty")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
                contained = is_self_contained(data)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read; check that the file is there.") from error
    except ValueError as error:
        raise InputError(f"{path.name} is not an ONNX file; choose a network as its authors' page gives it.") from error
    if not contained:
        raise InputError(f"{path.name} keeps weights in other files; choose a network in one file.")
    return digest


def _session(path: Path, device: str) -> Any:
    try:
        import onnxruntime  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(
            f"{path.name} needs the package onnxruntime, which the environment of Likeness lacks; install it there: "
            f'pip --python "{sys.executable}" install onnxruntime'
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.load_model_format", "ONNX")
    there = onnxruntime.get_available_providers()
    wanted = [provider for kind, provider in _PROVIDERS.items() if device in ("auto", kind) and provider in there]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[*wanted, "CPUExecutionProvider"])
    except Exception as error:
        raise _unusable(path.name, error) from error


def _unusable(name: str, error: Exception) -> Exception:
    """The sentence for an error of onnxruntime; memory that ran out stays what it is."""
    if is_out_of_memory(error):
        return error
    return InputError(f"{name} cannot be run by onnxruntime: it is damaged or has operators of its own; choose another network.")
