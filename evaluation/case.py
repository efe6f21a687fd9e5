"""One subject with its truth, and sets of them as folders: `set.json` and, a case, a folder with `photo.png` or `.jpg` and `case.npz`.

Nothing here knows how truth was made. Files are untrusted: bounded, checked by SHA-256, without pickles.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..core.arrays import ANY, BYTE, REAL, TEXT, TOO_LARGE, WHOLE, Array, ArrayError, Schema
from ..core.errors import AssetError
from ..core.photo.decode import read_photo
from ..core.photo.framing import HEAD
from ..core.photo.view import Camera

VERSION = 1
GRID = 128
"""Cells along each side of the cube in which volumes are compared."""
SUBJECTS = ("head", "body")
_MOST_BYTES, _MOST_CASES = 512 * 2**20, 10_000
_PHOTOS = ("photo.png", "photo.jpg")
_CASE = Schema(
    {
        "landmarks": Array(REAL, (468, 3), optional=True),
        "landmark_pixels": Array(REAL, (468, 2), optional=True),
        "rotation": Array(REAL, (3, 3), optional=True),
        "mask": Array(BYTE, (ANY, ANY), optional=True),
        "camera": Array(REAL, (4,), optional=True, exact=True, finite=False),
        "text": Array(TEXT, ()),
    },
    most_bytes=_MOST_BYTES,
)
_TRUTH = Schema(
    {
        "vertices": Array(REAL, ("V", 3)),
        "faces": Array(WHOLE, ("F", 3), below="V"),
        "region": Array(BYTE, ("V",)),
        "colours": Array(BYTE, ("V", 3), optional=True),
        "cells": Array(BYTE, (GRID**3 // 8,), optional=True),
    },
    prefix="truth_",
    most=4_000_000,
)
_CROP_EDGE = 0.95  # beyond it the head's crop ends, and with it the prediction


@dataclass(frozen=True)
class Truth:
    """The visible outside of a person: vertices (V, 3) float32 metres, camera frame; faces (F, 3) int32, outward; colours (V, 3) uint8 sRGB
    as the photo's light shows them, or None; region (V,) uint8 index into region_names.

    cells: GRID**3 packed bits, rows of z within y within x as `occupied_cells` makes them, for volumes, or None. partial: the outside has
    holes where nobody measured, so predictions are only judged where there is truth.
    """

    vertices: np.ndarray
    faces: np.ndarray
    region: np.ndarray
    region_names: tuple[str, ...]
    colours: np.ndarray | None = None
    cells: np.ndarray | None = None
    partial: bool = False


@dataclass(frozen=True)
class Case:
    """A photo (H, W, 3) uint8 and what is known of its subject; None where nothing is.

    camera: the true one. landmarks (468, 3) metres, camera frame. landmark_pixels (468, 2) column, row. mask (H, W) float32 in [0, 1].
    rotation (3, 3): the head's own axes (x to the person's left, y up, z forward) as columns, camera frame.
    labels: strata such as {"yaw": "30"}. metric: the size is known, so that errors without alignment mean something.
    """

    name: str
    photo: np.ndarray
    subject: str = "head"
    truth: Truth | None = None
    camera: Camera | None = None
    landmarks: np.ndarray | None = None
    landmark_pixels: np.ndarray | None = None
    mask: np.ndarray | None = None
    rotation: np.ndarray | None = None
    labels: dict[str, str] = field(default_factory=dict)
    metric: bool = True

    def unit_cube(self, points: np.ndarray) -> np.ndarray:
        """Camera-frame points (N, 3) in a frame where the judged part of the subject lies within [-1, 1]: the crop frame for heads."""
        if self.subject == "head" and self.camera is not None:
            return HEAD.to_crop(np.asarray(points, np.float64), self.camera) / _CROP_EDGE
        assert self.truth is not None
        low, high = self.truth.vertices.min(0), self.truth.vertices.max(0)
        return (points - (low + high) / 2) / (0.55 * float((high - low).max()))

    def judged(self, points: np.ndarray) -> np.ndarray:
        """(N,) bool: camera-frame points that count. Of a head's surroundings only the crop does, because predictions end there."""
        return (np.abs(self.unit_cube(points)) < 1).all(1) if self.subject == "head" else np.ones(len(points), bool)

    def save(self, folder: Path, jpeg: bool = False) -> None:
        """Write photo.png, or a fine JPEG of a fifth of its size, and case.npz into a new folder."""
        folder.mkdir(parents=True)
        if jpeg:
            Image.fromarray(self.photo).save(folder / "photo.jpg", quality=90, subsampling=0)
        else:
            Image.fromarray(self.photo).save(folder / "photo.png")
        values: dict[str, Any] = {name: getattr(self, name) for name in ("landmarks", "landmark_pixels", "rotation")}
        if self.mask is not None:
            values["mask"] = np.round(self.mask * 255).astype(np.uint8)
        if self.camera is not None:
            values["camera"] = np.array([*self.camera.centre, self.camera.scale, self.camera.distance])
        text: dict[str, Any] = {"subject": self.subject, "labels": self.labels, "metric": self.metric}
        if self.truth is not None:
            text |= {"regions": self.truth.region_names, "partial": self.truth.partial}
        truth = None if self.truth is None else _TRUTH.pack(vars(self.truth))
        _CASE.save(folder / "case.npz", values | {"text": json.dumps(text)}, truth, compressed=True)

    @classmethod
    def load(cls, folder: Path) -> "Case":
        """Raises AssetError when the files are not those of a case, InputError when the photo cannot be read."""
        path = folder / "case.npz"
        try:
            arrays, data = _CASE.load(path)
            text = json.loads(arrays["text"])
            truth, camera, mask = None, arrays["camera"], arrays["mask"]
            if any(name.startswith(_TRUTH.prefix) for name in data):
                truth = Truth(**_TRUTH.check(data), region_names=tuple(map(str, text["regions"])), partial=bool(text["partial"]))
                if truth.region.max() >= len(truth.region_names):
                    raise ArrayError("region")
            if text["subject"] not in SUBJECTS:
                raise ValueError(text["subject"])
            return cls(
                name=folder.name,
                photo=read_photo(next((folder / name for name in _PHOTOS if (folder / name).is_file()), folder / _PHOTOS[0])).image,
                subject=text["subject"],
                truth=truth,
                camera=None if camera is None else Camera((float(camera[0]), float(camera[1])), float(camera[2]), float(camera[3])),
                landmarks=arrays["landmarks"],
                landmark_pixels=arrays["landmark_pixels"],
                mask=None if mask is None else mask.astype(np.float32) / 255,
                rotation=arrays["rotation"],
                labels={str(key): str(value) for key, value in text["labels"].items()},
                metric=bool(text["metric"]),
            )
        except (ArrayError, KeyError, ValueError, TypeError, AttributeError) as error:
            what = "larger than any case" if str(error) == TOO_LARGE else "not a case of an evaluation set"
            raise AssetError(f"{path} is {what}; make the set again.") from error


@dataclass(frozen=True)
class CaseSet:
    """A named set: where it lies, what it says about itself, and its cases with the SHA-256 of their files."""

    folder: Path
    name: str
    note: str
    cases: tuple[tuple[str, dict[str, str]], ...]

    @classmethod
    def open(cls, folder: Path) -> "CaseSet":
        """Raises AssetError."""
        path = folder / "set.json"
        try:
            if path.stat().st_size > 2**24:
                raise AssetError(f"{path} is larger than any list of cases; make the set again.")
            text = json.loads(path.read_text(encoding="utf-8"))
            cases = tuple((str(one["name"]), dict(one["files"])) for one in text["cases"])
            if text["version"] != VERSION or len(cases) > _MOST_CASES or any(Path(name).name != name for name, _ in cases):
                raise ValueError(text["version"])
            return cls(folder, str(text["name"]), str(text["note"]), cases)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise AssetError(f"{folder} is no evaluation set of this version; make it with likeness.training.evaluation.sets.") from error

    def read(self, most: int | None = None) -> Iterator[Case]:
        """The cases in their order, the first `most` of them; each is verified first. Raises AssetError."""
        for name, files in self.cases[:most]:
            for file, digest in files.items():
                path = self.folder / name / Path(file).name
                if not path.is_file() or path.stat().st_size > _MOST_BYTES or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                    raise AssetError(f"{path} is missing or damaged (its SHA-256 differs); make the set again.")
            yield Case.load(self.folder / name)


def write_set(folder: Path, name: str, note: str, cases: Sequence[str], made: dict[str, Any]) -> None:
    """List cases (names of sub-folders that Case.save made) in set.json; `made` says how: seeds, versions."""
    listed = []
    for case in cases:
        files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((folder / case).iterdir())}
        listed.append({"name": case, "files": files})
    text = {"version": VERSION, "name": name, "note": note, "made": made, "cases": listed}
    (folder / "set.json").write_text(json.dumps(text, indent=1), encoding="utf-8")
