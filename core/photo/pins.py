"""Points of a face that the artist has put where they belong in a photo: their file, and what they do to the detector's landmarks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import InputError
from .landmarks import MEDIAPIPE, PinnedPoints
from .named_landmarks import NAMED_LANDMARKS
from .view import View

_REACH = 0.35  # of the eye corners' distance over which a landmark takes its neighbours along
_RIGHT_EYE, _LEFT_EYE = 33, 263
_MOST = 500
_MAX_FILE = 1 << 20  # bytes


@dataclass(frozen=True)
class Pin:
    """at: column and row where a point of the face lies in the photo as a result shows it, upright, pixels. landmark: the point's name in
    NAMED_LANDMARKS, or "" for the point of the face that the detector has seen at `origin` (column, row)."""

    at: tuple[float, float]
    landmark: str = ""
    origin: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As in a file."""
        return {"at": list(self.at)} | ({"landmark": self.landmark} if self.landmark else {"from": list(self.origin or self.at)})

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Raises InputError for what is no pin."""
        try:
            at = _pixel(values["at"])
            name = values.get("landmark", "")
            if name and name not in NAMED_LANDMARKS:
                raise InputError(f"There is no landmark {name}; the names are {', '.join(NAMED_LANDMARKS)}.")
            return cls(at, name) if name else cls(at, "", _pixel(values["from"]))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise InputError('A pin needs "at" and "landmark", or "at" and "from", as pixels [column, row]; mend the pins file.') from error


def read_pins(path: Path) -> list[Pin]:
    """Of a JSON file {"pins": [{"landmark": "Nose Tip", "at": [512, 300]}, {"from": [400, 310], "at": [404, 312]}]}. Raises InputError."""
    try:
        if path.stat().st_size > _MAX_FILE:
            raise InputError(f"{path.name} is too large for a pins file.")
        return parse_pins(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); choose another pins file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is no pins file; it must be JSON in UTF-8.") from error


def parse_pins(text: str) -> list[Pin]:
    """The pins of such a text. Raises InputError."""
    try:
        pins = json.loads(text)["pins"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError('The pins cannot be read; a pins file is JSON with a list "pins".') from error
    if not isinstance(pins, list) or len(pins) > _MOST:
        raise InputError(f"The pins must be a list of at most {_MOST}.")
    return [Pin.from_dict(pin) for pin in pins]


def pins_text(pins: Sequence[Pin]) -> str:
    """The text of a pins file."""
    return json.dumps({"pins": [pin.to_dict() for pin in pins]})


def pinned(view: View, pins: Sequence[Pin]) -> View:
    """A view whose landmarks lie where the pins say, with those around moved along, and whose `pins` the fit has to meet."""
    if not pins:
        return replace(view, pins=None)
    mesh = view.mesh
    shares = np.stack([_shares(pin, mesh) for pin in pins])
    target = np.array([pin.at for pin in pins], float)
    from_, size = shares @ mesh[:, :2], float(np.linalg.norm(mesh[_RIGHT_EYE] - mesh[_LEFT_EYE]))
    moved = mesh.copy()
    moved[:, :2] += spread(from_, target - from_, mesh[:, :2], _REACH * size)
    # iBUG's points are another reading of the old places.
    return replace(view, landmarks={MEDIAPIPE: moved.astype(mesh.dtype)}, pins=PinnedPoints(shares, target))


def spread(places: np.ndarray, moves: np.ndarray, points: np.ndarray, reach: float, noise: float = 1e-6) -> np.ndarray:
    """Moves (N, C) of points (N, D) that are the given moves (P, C) at places (P, D) and fade to nothing around them, over `reach`:
    Gaussian radial basis functions. Places on each other share their moves. noise: variance of the given moves over that of such moves in
    general (Gaussian process regression); the moves at the places are then smoother and smaller than the given ones."""
    from scipy.spatial.distance import cdist

    kernel = lambda a, b: np.exp(-cdist(a, b, "sqeuclidean") / (2 * reach**2))  # noqa: E731
    own = kernel(places, places)
    return kernel(points, places) @ np.linalg.lstsq(own + noise * np.eye(len(own)), moves, rcond=None)[0]


def _shares(pin: Pin, mesh: np.ndarray) -> np.ndarray:
    """(468,): of the named landmark alone, or of the three whose triangle holds the pin's origin; outside the face of the nearest."""
    from scipy.spatial import Delaunay  # pyright: ignore[reportAttributeAccessIssue]

    shares = np.zeros(len(mesh))
    if pin.landmark:
        shares[NAMED_LANDMARKS[pin.landmark]] = 1
        return shares
    origin = np.array(pin.origin, float)
    triangles = Delaunay(mesh[:, :2].astype(float))
    found = int(triangles.find_simplex(origin))
    if found < 0:
        shares[int(np.linalg.norm(mesh[:, :2] - origin, axis=1).argmin())] = 1
        return shares
    matrix = triangles.transform[found]
    first = matrix[:2] @ (origin - matrix[2])
    shares[triangles.simplices[found]] = [*first, 1 - first.sum()]
    return shares


def _pixel(values: Any) -> tuple[float, float]:
    column, row = (float(x) for x in values)
    if not np.isfinite([column, row]).all():
        raise ValueError("not finite")
    return column, row
