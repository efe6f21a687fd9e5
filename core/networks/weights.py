"""Bundled weights: SHA-256 first, then safetensors, exact keys and shapes; a field's file tells its configuration."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from ..errors import AssetError
from .colour import ColourConfig, ColourNetwork
from .config import LIKENESS, METADATA_KEY, FieldConfig
from .field import ImplicitField
from .layers import Network
from .normal import FRONT, WHOLE, NormalNetwork
from .parameters import ParameterNetwork
from .parsing import ParsingNetwork

FOLDER = Path(__file__).parents[2] / "weights"
_LISTED = re.compile(r"(?P<digest>[0-9a-f]{64}) +(?P<name>\S+)")
_LARGEST = 16 * 2**20
_LARGEST_HEADER = 2**20


def read_checked(name: str, folder: Path = FOLDER) -> bytes:
    """The bytes of a weights file whose hash stands in SHA256SUMS beside it. Raises AssetError."""
    path = folder / name
    try:
        if path.stat().st_size > _LARGEST:
            raise AssetError(f"{name} is larger than any weights file of this version; reinstall the extension.")
        data = path.read_bytes()
    except OSError as error:
        raise AssetError(f"{name} is missing; reinstall the extension.") from error
    if hashes(folder).get(name) != hashlib.sha256(data).hexdigest():
        raise AssetError(f"{name} is damaged (its SHA-256 differs); reinstall the extension.")
    return data


def hashes(folder: Path = FOLDER) -> dict[str, str]:
    """File name -> SHA-256 as listed, for reports. Raises AssetError."""
    try:
        listed = [_LISTED.fullmatch(line) for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise AssetError("SHA256SUMS, the list of weights, is missing; reinstall the extension.") from error
    except UnicodeDecodeError as error:
        raise AssetError("SHA256SUMS, the list of weights, is damaged; reinstall the extension.") from error
    found = {line["name"]: line["digest"] for line in listed if line}
    if len(found) != len(listed):
        raise AssetError("SHA256SUMS, the list of weights, is damaged; reinstall the extension.")
    return found


def normal_from(data: bytes, name: str, parsing: ParsingNetwork | None = None) -> NormalNetwork:
    """A normal network from the bytes of a safetensors file. Raises AssetError."""
    tensors = _tensors(data, name)
    last = tensors.get("output.bias")
    outputs = FRONT if last is not None and len(last) == FRONT else WHOLE
    if not any(key.startswith("enter.") for key in tensors):
        return _filled(NormalNetwork(outputs=outputs), tensors, name)
    if parsing is None:
        raise AssetError(f"{name} needs parsing.safetensors, which is missing; reinstall the extension.")
    return _filled(NormalNetwork(outputs=outputs, backbone=parsing.backbone), tensors, name)


def body_parsing_from(data: bytes, name: str, parsing: ParsingNetwork | None = None) -> ParsingNetwork:
    """A parsing network of whole figures from the bytes of a safetensors file, which holds its decoder alone. Raises AssetError."""
    if parsing is None:
        raise AssetError(f"{name} needs parsing.safetensors, which is missing; reinstall the extension.")
    tensors = _tensors(data, name) | {f"backbone.{key}": value for key, value in parsing.backbone.state_dict().items()}
    return _filled(ParsingNetwork(guided=True, backbone=parsing.backbone), tensors, name)


def colour_from(data: bytes, name: str) -> ColourNetwork:
    """A colour network in the configuration that its file tells. Raises AssetError."""
    try:
        config = ColourConfig.from_json(_metadata(data)[METADATA_KEY])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise AssetError(f"{name} holds no colour network of this version; use the version it was made with.") from error
    return _filled(ColourNetwork(config), _tensors(data, name), name)


def load_own_field(path: Path, subject: str = "head") -> ImplicitField:
    """A subject's field that somebody trained, from a file that is in no list. Raises AssetError."""
    try:
        if path.stat().st_size > _LARGEST:
            raise AssetError(f"{path.name} is larger than a compact field can be; choose a file that likeness-train has written.")
        field = field_from(path.read_bytes(), path.name)
    except OSError as error:
        raise AssetError(f"{path.name} cannot be read; choose another file.") from error
    if field.config.subject != subject:
        raise AssetError(f"{path.name} was trained on another subject than a {subject}; choose a file of a {subject}'s field.")
    return field


def digest(path: Path) -> str:
    """SHA-256 of a file of the user's. Raises AssetError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AssetError(f"{path.name} cannot be read; choose another file.") from error


def is_own_format(path: Path) -> bool:
    """Whether a file tells the configuration of a network as `likeness-train` writes it. Raises AssetError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return METADATA_KEY in _metadata(file.read(_LARGEST_HEADER + 8))
    except OSError as error:
        raise AssetError(f"{path.name} cannot be read; choose another file.") from error
    except ValueError:
        return False


def field_from(data: bytes, name: str) -> ImplicitField:
    """A field from the bytes of a safetensors file; one without a configuration is of the first version. Raises AssetError."""
    try:
        text = _metadata(data).get(METADATA_KEY)
        config = LIKENESS if text is None else FieldConfig.from_json(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise AssetError(f"{name} holds a field that this version cannot read; use the version it was made with.") from error
    return _filled(ImplicitField(config), _tensors(data, name), name)


def reader(kind: Callable[[], Network]) -> Callable[[bytes, str], Network]:
    """For a network of one configuration: from a weights file's bytes and name to the network, in float32. Its reading raises AssetError
    unless the file has exactly the network's keys and shapes."""
    return lambda data, name: _filled(kind(), _tensors(data, name), name)


def _tensors(data: bytes, name: str) -> dict[str, torch.Tensor]:
    try:
        return load(data)
    except SafetensorError as error:
        raise AssetError(f"{name} holds no tensors; reinstall the extension.") from error


def _filled(network: Network, tensors: dict[str, torch.Tensor], name: str) -> Network:
    try:
        network.load_state_dict({key: value.float() if value.dtype == torch.float16 else value for key, value in tensors.items()})
    except RuntimeError as error:
        raise AssetError(f"{name} does not fit this version's network; reinstall the extension.") from error
    return network.eval()


def _metadata(data: bytes) -> dict[str, str]:
    # The library reads metadata from files only; the header is a length and JSON.
    length = int.from_bytes(data[:8], "little")
    if not 2 <= length <= min(_LARGEST_HEADER, len(data) - 8):
        raise ValueError("no safetensors header")
    header = json.loads(data[8 : 8 + length])
    return header.get("__metadata__", {}) if isinstance(header, dict) else {}


@dataclass(frozen=True)
class ListedNetwork(Generic[Network]):
    """A network of the product. file: of its weights; read: makes it from such a file's bytes and name; without: what takes its place where
    no such file is listed, None if nothing can."""

    file: str
    read: Callable[[bytes, str], Network]
    without: str | None = None

    def load(self, name: str = "", folder: Path = FOLDER) -> Network:
        """From its own listed file, or another one. Raises AssetError, also where it is not listed."""
        return self.read(read_checked(name or self.file, folder), name or self.file)

    def load_if_listed(self, name: str = "", folder: Path = FOLDER) -> Network | None:
        """As `load`, but None where it is not listed. Raises AssetError."""
        return self.load(name, folder) if (name or self.file) in hashes(folder) else None


NORMAL = ListedNetwork("normal.safetensors", normal_from)
FIELD = ListedNetwork("field.safetensors", field_from)
COLOUR = ListedNetwork("colour.safetensors", colour_from, "the field's own colours")
PARAMETERS = ListedNetwork("parameters.safetensors", reader(ParameterNetwork), "a fit that begins at the mean head")
PARSING = ListedNetwork("parsing.safetensors", reader(ParsingNetwork), "selfie segmentation, and guesses of what is what")
BODY_PARSING = ListedNetwork("body_parsing.safetensors", body_parsing_from, "selfie segmentation of whole figures")
BODY_NORMAL = ListedNetwork("body_normal.safetensors", normal_from, "a body without relief")
BODY_FIELD = ListedNetwork("body_field.safetensors", field_from, "the fitted body, stretched to the outline")
NETWORKS: tuple[ListedNetwork[Any], ...] = (NORMAL, FIELD, COLOUR, PARAMETERS, PARSING, BODY_PARSING, BODY_NORMAL, BODY_FIELD)
"""All networks of the product; those with a `without` are optional."""
load_field = FIELD.load
load_colour, load_parameters, load_parsing = COLOUR.load_if_listed, PARAMETERS.load_if_listed, PARSING.load_if_listed


def load_normal(name: str = NORMAL.file, folder: Path = FOLDER, parsing: ParsingNetwork | None = None) -> NormalNetwork:
    """A listed normal network, of front normals alone or whole, as its file has it. Raises AssetError.

    parsing: whose backbone a network that reads features shares; the listed one, if none is given."""
    return normal_from(read_checked(name, folder), name, load_parsing(folder=folder) if parsing is None else parsing)


def load_body_parsing(parsing: ParsingNetwork | None = None, folder: Path = FOLDER) -> ParsingNetwork | None:
    """The listed parsing network of whole figures, which shares the backbone of one of heads, or of the listed one if none is given; None
    where it is not listed. Raises AssetError."""
    if BODY_PARSING.file not in hashes(folder):
        return None
    data = read_checked(BODY_PARSING.file, folder)
    return body_parsing_from(data, BODY_PARSING.file, load_parsing(folder=folder) if parsing is None else parsing)
