"""How far normals are from the truth: `python -m likeness.benchmarks.normals --assets FOLDER [--weights FILE ...] [--photos FOLDER]`.

Development scans from several sides: `james`, a real head with its photograph as colour, also under drawn lights, and two stone heads. And
photos of real people whose normals somebody published: --photos holds NAME.png or .jpg and NAME_normal.png, of one size, black off the
person; channels x to the right, y up, z towards the viewer, as (normal + 1) / 2. None of them is ever trained or tuned on.

The real detector finds the landmarks, the product fits the head model, and the network sees its crop. Angles between predicted and true
normals in degrees, means over pictures: on the face as the fitted model tells it, and wherever matte and truth are. `fit` are the fitted
model's own normals, which face the viewer where the model is not. Intervals are of the paired difference to the fit on the face.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from ..core.errors import ReconstructionError
from ..core.geometry.mesh import vertex_normals
from ..core.geometry.raster import interpolate, rasterize
from ..core.models.head import HeadModel
from ..core.models.prior import PriorSurface
from ..core.networks.predictor import Predictor
from ..core.networks.weights import load_field, load_normal, load_parsing, normal_from
from ..core.photo.crop import crop_picture
from ..core.photo.faces import MediaPipeDetector
from ..core.photo.framing import HEAD
from ..core.photo.view import Camera, View
from ..core.pipeline import Reconstructor
from ..evaluation.bootstrap import mean_interval
from ..evaluation.case import Case
from ..training.data.samples import seen_in_crop
from ..training.evaluation.scans import scan_cases
from ..training.humans.paints import encoded, linear
from ..training.render.lighting import Light, irradiance, random_direction

YAWS, LIGHTS = ("0", "30"), 4
_TRUE_SIZE = 512
_FACE_TOP, _FACE_BOTTOM, _FACE_BACK = 0.2, -0.5, -0.3  # crop units on the mean head


@dataclass(frozen=True)
class MeasuredPhoto:
    """One picture in the fit's crop: set, name, the photo and its fit; truth (3, S, S), 0 where it is not known."""

    group: str
    name: str
    view: View
    camera: Camera
    surface: PriorSurface
    truth: torch.Tensor


def scans(assets: Path, reconstructor: Reconstructor) -> Iterator[MeasuredPhoto]:
    """Heads whose surface is known; the textured one under drawn lights too."""
    detector = MediaPipeDetector()
    for case in scan_cases(assets, HeadModel.load()):
        if case.labels["yaw"] not in YAWS:
            continue
        normals = _camera_normals(case)
        group = case.labels["scan"] if case.metric else "stones"
        pictures = {group: [case.photo]}
        if case.metric:
            pictures["james lit"] = [_relit(case.photo, normals, seed) for seed in range(LIGHTS)]
        for name, photos in pictures.items():
            for number, photo in enumerate(photos):
                faces = detector.detect(photo)
                if not faces:
                    continue
                assert case.mask is not None
                view = View(photo, case.mask, faces[0].landmarks, None, f"{case.name} {number}")
                yield from measured_photo(reconstructor, name, view, partial(_truth, case))


def photos(folder: Path, reconstructor: Reconstructor) -> Iterator[MeasuredPhoto]:
    """Photos with published normals; the crop is orthographic to them."""
    detector = MediaPipeDetector()
    for file in sorted(folder.glob("*_normal.png")):
        name = file.name.removesuffix("_normal.png")
        picture = next(path for path in (folder / f"{name}.png", folder / f"{name}.jpg") if path.exists())
        photo = np.ascontiguousarray(cv2.imread(str(picture))[..., ::-1])
        shown = cv2.imread(str(file))[..., ::-1]
        known = shown.max(-1) > 0
        normals = np.where(known[..., None], shown.astype(np.float32) / 127.5 - 1, 0)
        faces = detector.detect(photo)
        if not faces:
            continue
        view = View(photo, known.astype(np.float32), faces[0].landmarks, None, name)
        yield from measured_photo(reconstructor, "photos", view, partial(_published, normals))


def measured_photo(
    reconstructor: Reconstructor, group: str, view: View, truth: Callable[[Camera], torch.Tensor]
) -> Iterator[MeasuredPhoto]:
    """One picture, or none where the product refuses it. truth: of the crop."""
    try:
        measured = reconstructor.prepare(view)
    except ReconstructionError:
        return
    yield MeasuredPhoto(group, view.name, view, measured.fit.camera, measured.surface, truth(measured.fit.camera))


def angles(measured: MeasuredPhoto, normals: torch.Tensor, maps: torch.Tensor, matte: torch.Tensor) -> dict[str, float]:
    """Mean degrees on the face and on the whole of unit normals (3, S, S), at the truth's size; maps (8, S, S) and matte (S, S)."""
    larger = lambda values, how: F.interpolate(values[None].float(), size=measured.truth.shape[-2:], mode=how)[0]  # noqa: E731
    found = F.normalize(larger(normals, "bilinear"), dim=0, eps=1e-3)
    whole = (measured.truth.norm(dim=0) > 0.5) & (larger(matte[None], "bilinear")[0] > 0.9)
    face = whole & face_of(larger(maps, "nearest"))
    angle = torch.rad2deg(torch.acos((found * measured.truth).sum(0).clamp(-1, 1)))
    return {"face": float(angle[face].mean()), "whole": float(angle[whole].mean())}


def face_of(maps: torch.Tensor) -> torch.Tensor:
    """(S, S) bool: where a fitted model's maps (8, S, S) show its face."""
    _, y, z = maps[3:6]
    return (maps[7] > 0.5) & (y < _FACE_TOP) & (y > _FACE_BOTTOM) & (z > _FACE_BACK)


def fitted_normals(maps: torch.Tensor) -> torch.Tensor:
    """The fitted model's normals (3, S, S) of its maps (8, S, S); facing the viewer where it is not."""
    ahead = maps.new_tensor([0.0, 0.0, 1.0])[:, None, None]
    return torch.where(maps[7:] > 0.5, maps[:3], ahead)


def _camera_normals(case: Case) -> np.ndarray:
    """(H, W, 3) camera-frame normals of a case's surface in its photo, 0 off it."""
    assert case.truth is not None and case.camera is not None
    vertices, faces = case.truth.vertices, case.truth.faces
    size = case.photo.shape[0]
    flat = case.camera.project(vertices) * (2 / size) - 1
    points = np.stack([flat[:, 0], -flat[:, 1], vertices[:, 2]], axis=1).astype(np.float32)
    return _drawn_normals(points, faces, vertex_normals(vertices, faces), size).numpy()


def _truth(case: Case, crop: Camera) -> torch.Tensor:
    """(3, S, S) crop-frame normals of a case's surface in the crop of a fit."""
    assert case.truth is not None and case.camera is not None
    points = seen_in_crop(case.truth.vertices.astype(np.float64), case.camera, crop, HEAD).astype(np.float32)
    return _drawn_normals(points, case.truth.faces, vertex_normals(points, case.truth.faces), _TRUE_SIZE).permute(2, 0, 1)


def _published(normals: np.ndarray, crop: Camera) -> torch.Tensor:
    """(3, S, S) of normals (H, W, 3) in a photo, 0 where there are none."""
    cut = torch.from_numpy(crop_picture(normals.astype(np.float32), HEAD.crop_box(crop), _TRUE_SIZE)).permute(2, 0, 1)
    return F.normalize(cut, dim=0, eps=0.5)


def _drawn_normals(points: np.ndarray, faces: np.ndarray, normals: np.ndarray, size: int) -> torch.Tensor:
    triangles = torch.from_numpy(faces.astype(np.int64))
    raster = rasterize(torch.from_numpy(points), triangles, size)
    return F.normalize(interpolate(raster, triangles, torch.from_numpy(normals.astype(np.float32))), dim=-1, eps=1e-6)


def _relit(photo: np.ndarray, normals: np.ndarray, seed: int) -> np.ndarray:
    """The photo as albedo, under a light drawn by number."""
    rng = np.random.default_rng([17, seed])
    light = Light.random(rng, random_direction(rng)[None])
    there = torch.from_numpy(normals)[None].float()
    bright = irradiance(light, there, 1.0, 1.0)
    radiance = linear(torch.from_numpy(photo.astype(np.float32) / 255)[None]) * bright
    known = there.norm(dim=-1) > 0.5
    radiance = radiance * (0.5 / radiance.mean(-1)[known].quantile(0.9).clamp(min=1e-3))
    lit = (encoded(radiance)[0].clamp(0, 1).numpy() * 255).round().astype(np.uint8)
    return np.where(known[0].numpy()[..., None], lit, photo)


def main() -> None:
    """Command line."""
    parser = command_line(__doc__)
    parser.add_argument("--photos", type=Path, help="real photos with published normals")
    arguments = parser.parse_args()
    reconstructor = load_reconstructor()
    pictures = list(scans(arguments.assets, reconstructor))
    if arguments.photos:
        pictures += photos(arguments.photos, reconstructor)
    table(pictures, networks_of(arguments.weights))


def command_line(description: str | None) -> argparse.ArgumentParser:
    """What every benchmark of normals asks for: the asset pack, and the networks to compare."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--weights", type=Path, action="append", default=[], help="normal networks to compare with the bundled one")
    return parser


def load_reconstructor() -> Reconstructor:
    """The product on one core, silent but for the table."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    os.environ.setdefault("GLOG_minloglevel", "2")
    return Reconstructor.load("cpu")


def networks_of(weights: list[Path]) -> dict[str, Predictor]:
    """Predictors with the bundled normal network, and with those of files, by their stems."""
    parsing = load_parsing()
    networks = {"bundled": load_normal(parsing=parsing)}
    networks |= {path.stem: normal_from(path.read_bytes(), path.name, parsing) for path in weights}
    return {name: Predictor(network, load_field(), torch.device("cpu")) for name, network in networks.items()}


def table(pictures: list[MeasuredPhoto], predictors: dict[str, Predictor]) -> None:
    """Prints a Markdown table."""
    rows: dict[str, list[dict[str, float]]] = {"fit": [], **{name: [] for name in predictors}}
    for measured in pictures:
        for index, (name, predictor) in enumerate(predictors.items()):
            prediction = predictor.predict(measured.view, measured.camera, measured.surface)
            maps, matte = prediction.maps[0], prediction.photo[0, 3]
            if not index:
                rows["fit"].append(angles(measured, fitted_normals(maps), maps, matte))
            rows[name].append(angles(measured, prediction.normals[0], maps, matte))
    groups = sorted({measured.group for measured in pictures})
    print("| face / whole, degrees | " + " | ".join(f"{group} ({sum(s.group == group for s in pictures)})" for group in groups) + " |")
    print("|---" * (len(groups) + 1) + "|")
    for name, found in rows.items():
        cells = []
        for group in groups:
            chosen = [index for index, measured in enumerate(pictures) if measured.group == group]
            face, whole = (float(np.mean([found[index][part] for index in chosen])) for part in ("face", "whole"))
            apart = mean_interval(np.array([found[index]["face"] - rows["fit"][index]["face"] for index in chosen]))
            cells.append(f"{face:.2f} / {whole:.2f}" + ("" if name == "fit" else f" [{apart[1]:+.2f}, {apart[2]:+.2f}]"))
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
