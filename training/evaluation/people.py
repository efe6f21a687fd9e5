"""Synthetic people as evaluation cases: a lit photo, and as truth what of their pieces can be seen from outside."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from ...core.geometry.raster import fragments, nearest
from ...core.models.head import HeadModel
from ...core.models.rotation import rotation_matrix
from ...core.photo.framing import HEAD
from ...core.photo.view import Camera
from ...evaluation.case import Case, Truth
from ...evaluation.metrics import occupied_cells
from ..bodies.sample import BodySampler
from ..data.samples import SEEDS
from ..humans.assets import Assets
from ..humans.bodies import Bodies
from ..humans.paints import encoded
from ..humans.part import MATERIALS, Part
from ..humans.person import People, Person
from ..render.buffers import render
from ..render.lighting import CROP_METRES, Light, key_shadow, lit_colour, photograph, random_direction
from ..render.scene import HAIR, Scene
from .scans import BACK, REGIONS

_HEAD_SIZE, _BODY_SIDE, _SHRINK = 768, 768, 2
_HEAD_HALF = 0.30  # metres that a portrait shows to each side of the eyes
_UNSTEADY = 4.0  # degrees that people turn too far or too little for a photo
_REACH = 1.03  # crop units around a head that belong to its truth
_VIEW, _HULL_VIEW = 640, 512
_CORNERS = [np.array([x, y, z]) / np.sqrt(3) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
_DIRECTIONS = [*np.eye(3), *-np.eye(3), *_CORNERS]


@dataclass(frozen=True)
class Sitter:
    """Whoever is photographed. parts: in the camera frame, metres; rotation (3, 3): of the head; head (V, 3): the bald head in the
    head model's topology, where it is known; labels: as of Case."""

    parts: list[Part]
    rotation: np.ndarray
    head: np.ndarray | None
    labels: dict[str, str]


def bust_cases(assets: Path, model: HeadModel, indices: Iterable[int]) -> Iterator[Case]:
    """Portraits of the evaluation seed's people, person i from (seed, i) alone."""
    people = People(Assets(assets, "evaluation"), model, Bodies(assets))
    for index in indices:
        rng = np.random.default_rng([SEEDS["evaluation"], index])
        person = people.make(rng)
        distance = float(np.exp(rng.uniform(np.log(0.6), np.log(4))))
        centre = _HEAD_SIZE / 2 + rng.uniform(-0.03, 0.03, 2) * _HEAD_SIZE - [0, 0.05 * _HEAD_SIZE]
        camera = Camera((float(centre[0]), float(centre[1])), _HEAD_SIZE / 2 / _HEAD_HALF, distance)
        sitter = Sitter(person.parts, person.rotation, person.head, _labels(person))
        yield photographed(f"bust_{index:03d}", sitter, camera, _HEAD_SIZE, "head", model, rng)


def turned_cases(assets: Path, model: HeadModel, indices: Iterable[int], yaws: Sequence[float]) -> Iterator[list[Case]]:
    """Photos of each of the evaluation seed's people from several sides, degrees by which the head is turned to its left; a photo's camera,
    light and wall are its own, and the head is turned by some degrees more. Person i and its photos come from (seed, i) alone; the photos
    of the first yaws stay the same when more are asked for."""
    people = People(Assets(assets, "evaluation"), model, Bodies(assets))
    for index in indices:
        person = people.make(np.random.default_rng([SEEDS["evaluation"], index]))
        yield [_turned_case(index, number, person, yaw, model) for number, yaw in enumerate(yaws)]


def _turned_case(index: int, number: int, person: Person, yaw: float, model: HeadModel) -> Case:
    rng = np.random.default_rng([SEEDS["evaluation"], index, number])
    tilt = rotation_matrix(np.array([rng.normal(0, 0.06), 0, 0])) @ rotation_matrix(np.array([0, 0, rng.normal(0, 0.04)]))
    turn = tilt @ rotation_matrix(np.array([0, np.radians(yaw + rng.normal(0, _UNSTEADY)), 0])) @ person.rotation.T
    distance = float(np.exp(rng.uniform(np.log(0.7), np.log(2.5))))
    case = turned_photograph(f"person_{index:03d}_{number}", person, turn, distance, _HEAD_SIZE, model, rng, known=number == 0)
    return replace(case, labels=case.labels | {"person": str(index), "turn": f"{yaw:+.0f}"})


def turned_photograph(
    name: str, person: Person, turn: np.ndarray, distance: float, size: int, model: HeadModel, rng: np.random.Generator, known: bool
) -> Case:
    """A person's portrait from so many metres, turned (3, 3), in a picture of size x size pixels. known: as `photographed` has it."""
    parts = [replace(part, vertices=(part.vertices @ turn.T).astype(np.float32)) for part in person.parts]
    seen = Sitter(parts, turn @ person.rotation, person.head @ turn.T, _labels(person))
    # Seen from the side, more of the head lies behind the eyes than before them.
    behind = -0.07 * seen.rotation[0, 2] / (2 * _HEAD_HALF) * size
    centre = size / 2 + rng.uniform(-0.03, 0.03, 2) * size + [-behind, -0.05 * size]
    camera = Camera((float(centre[0]), float(centre[1])), size / 2 / _HEAD_HALF, distance)
    return photographed(name, seen, camera, size, "head", model, rng, known=known)


def body_cases(assets: Path, model: HeadModel, indices: Iterable[int]) -> Iterator[Case]:
    """Whole people of the evaluation seed, dressed tightly or loosely, from all sides; person i from (seed, i) alone. The photo's middle is
    the camera's principal point, as of photos that nobody has cropped; the camera frame's origin lies as deep as the root joint."""
    sampler = BodySampler(assets, "evaluation")
    for index in indices:
        figure, loose, rng = sampler.figure(index)
        seen = sampler.view_of(figure, rng)
        root = float(seen.to_camera(figure.bones)[0, 2])
        move = lambda points, seen=seen, root=root: (seen.to_camera(points) - [0, 0, root]).astype(np.float32)  # noqa: E731
        parts = [replace(part, vertices=part.vertices - np.array([0, 0, root], np.float32)) for part in seen.scene.parts]
        nearer = seen.camera.distance - root
        reach = max(max(place, _BODY_SIDE - place) for place in seen.camera.centre)
        scale = seen.camera.scale * seen.camera.distance / nearer
        trunk = seen.turn @ figure.upright.T
        yaw = abs(np.degrees(np.arctan2(trunk[0, 2], trunk[2, 2])))
        labels = {"clothes": "loose" if loose else "tight", "yaw": "front" if yaw < 45 else "side" if yaw < 135 else "back"}
        size = 2 * int(np.ceil(reach))
        labels |= {name: value for name, value in _labels(figure).items() if name in ("sex", "hair")}
        sitter = Sitter(parts, seen.turn @ figure.rotation, move(figure.head), labels)
        case = photographed(f"body_{index:03d}", sitter, Camera((size / 2, size / 2), scale, nearer), size, "body", model, rng, 1)
        # No face is compared: most are small or turned away.
        yield replace(case, landmarks=None, landmark_pixels=None, rotation=trunk)


def photographed(
    name: str,
    person: Sitter,
    camera: Camera,
    size: int,
    subject: str,
    model: HeadModel,
    rng: np.random.Generator,
    shrink: int = _SHRINK,
    known: bool = True,
) -> Case:
    """A case with a photo of size x size pixels in random light before a plain wall. known: with the shape and colours as truth."""
    half = size / 2 / camera.scale

    def to_photo(points: np.ndarray) -> np.ndarray:
        """The whole photo is [-1, 1]^2; depth in the same unit."""
        flat = (camera.project(points) * 2 / size - 1) * [1, -1]
        return np.concatenate([flat, points[:, 2:] / half], axis=1)

    scene = Scene.of(person.parts, to_photo, size * shrink, half)
    buffers = render(scene, shrink)
    key = random_direction(rng)
    light = Light.random(rng, key[None].astype(np.float32))
    shadow = key_shadow(scene, buffers.depth, key)
    picture, exposure = photograph(
        light,
        buffers.albedo[None],
        buffers.normal[None],
        buffers.ambient[None],
        shadow[None],
        buffers.material[None],
        metres=CROP_METRES if subject == "head" else 2 * half,
    )
    coverage = buffers.coverage.numpy()
    photo = picture[0].numpy() * coverage[..., None] + _wall(size, rng) * (1 - coverage[..., None])
    photo = np.round((photo + rng.normal(0, 0.008, photo.shape)).clip(0, 1) * 255).astype(np.uint8)
    landmarks = None if person.head is None else model.mediapipe.on(person.head)
    truth = _truth(person, scene, camera, subject, model, light, exposure) if known else None
    case = Case(
        name, photo, subject, truth, camera, landmarks,
        None if landmarks is None else camera.project(landmarks), coverage, person.rotation, person.labels,
    )  # fmt: skip
    if truth is None:
        return case
    solid = scene.faces[scene.solid[scene.part]].numpy()
    points = np.concatenate([part.vertices for part in person.parts])
    return replace(case, truth=replace(truth, cells=occupied_cells(case.unit_cube(points), solid)))


def _truth(person: Sitter, scene: Scene, camera: Camera, subject: str, model: HeadModel, light: Light, exposure: torch.Tensor) -> Truth:
    points = np.concatenate([part.vertices for part in person.parts])
    wanted = scene.solid[scene.part].numpy()
    if subject == "head":
        crop = HEAD.to_crop(points, camera)
        wanted &= (np.abs(crop).max(1) < _REACH)[scene.faces.numpy()].all(1)
    else:
        low, high = points.min(0), points.max(0)
        crop = (points - (low + high) / 2) / (0.5 * float((high - low).max()))
    face = torch.from_numpy(np.flatnonzero(wanted)[seen_faces(crop, scene.faces.numpy()[wanted])])
    if subject == "head":
        face = face[~among_hair(Scene.of(person.parts, partial(HEAD.to_crop, camera=camera), _HULL_VIEW, HEAD.half), face)]
    _, corner = np.unique(scene.faces[face].numpy(), return_index=True)
    faces = np.unique(scene.faces[face].numpy(), return_inverse=True)[1].reshape(-1, 3)
    # Paint belongs to places on faces: each vertex takes it at its corner of one of them.
    face, weights = face[corner // 3], torch.eye(3)[corner % 3]
    ids = scene.faces[face, torch.from_numpy(corner % 3)]
    shade = scene.shade(face, weights)
    colours = lit_colour(light, encoded(shade.albedo)[None], scene.normals[ids][None], exposure)[0].numpy()
    vertices = points[ids.numpy()]
    region = _regions(person, model, vertices, shade.material.numpy())
    coloured = np.round(colours.clip(0, 1) * 255).astype(np.uint8)
    return Truth(vertices.astype(np.float32), faces.astype(np.int32), region, REGIONS, coloured)


def among_hair(scene: Scene, face: torch.Tensor) -> torch.Tensor:
    """(N,) bool: is a face (N,) of a scene in the crop frame one of another piece in the air between locks? That air is solid here as in
    the labels of training: the forehead that glints through a fringe is no more truth than the skin under a wig."""
    centre = scene.vertices[scene.faces[face]].mean(1)
    hair = torch.tensor([part.kind in HAIR for part in scene.parts])
    return scene.hull.inside(centre) & ~hair[scene.part[face]]


def seen_faces(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Ids of the faces (F, 3) that somebody outside could see: at least half of the face is nearest in one of 14 parallel views.

    points (V, 3) in [-1, 1]^3. What hair, clothes and other pieces cover, and the inner walls between strands, is no truth. Faces too
    small for any pixel are kept with their neighbours.
    """
    tensor, triangles = torch.from_numpy(points.astype(np.float32)) / np.sqrt(2), torch.from_numpy(faces)
    share, drawn = torch.zeros(len(faces)), torch.zeros(len(faces), dtype=torch.bool)
    for direction in _DIRECTIONS:
        side = np.cross([0.0, 1.0, 0.0] if abs(direction[1]) < 0.9 else [1.0, 0.0, 0.0], direction)
        side /= np.linalg.norm(side)
        turn = torch.from_numpy(np.stack([side, np.cross(direction, side), direction]).astype(np.float32))
        pieces = fragments(tensor @ turn.T, triangles, _VIEW)
        shown = nearest(pieces).face
        count = torch.bincount(pieces.face, minlength=len(faces))
        visible = torch.bincount(shown[shown >= 0], minlength=len(faces))
        share = torch.maximum(share, visible / count.clamp(min=1))
        drawn |= count > 0
    kept = share >= 0.5
    known = torch.zeros(len(points), dtype=torch.bool)
    known[triangles[kept].reshape(-1)] = True
    return torch.nonzero(kept | (~drawn & known[triangles].all(1)))[:, 0].numpy()


def _regions(person: Sitter, model: HeadModel, points: np.ndarray, material: np.ndarray) -> np.ndarray:
    """Index into REGIONS (N,): what it is made of; skin by the nearest place of the bald head."""
    region = np.full(len(points), REGIONS.index("body"))
    if person.head is not None:
        distance, near = cKDTree(person.head).query(points)
        masks = np.stack([model.regions[name] for name in ("face", "ears", "scalp", "neck")])[:, near]
        region = np.where((masks.max(0) > 0.5) & (distance < 0.03), masks.argmax(0) + 1, region)
    region[material == MATERIALS.index("hair")] = REGIONS.index("hair")
    region[material == MATERIALS.index("cloth")] = REGIONS.index("clothes")
    region[material == MATERIALS.index("gloss")] = REGIONS.index("other")
    region[material == MATERIALS.index("eye")] = REGIONS.index("face")
    if person.head is not None:
        # A beard is in front, so it stays "hair".
        region[(region == REGIONS.index("hair")) & ((points @ person.rotation)[:, 2] < BACK)] = REGIONS.index("back")
    return region.astype(np.uint8)


def _labels(person: Person) -> dict[str, str]:
    yaw = abs(np.degrees(np.arctan2(person.rotation[0, 2], person.rotation[2, 2])))
    kinds = {part.kind for part in person.parts}
    return {
        "sex": "male" if person.body.gender > 0.5 else "female",
        "yaw": "0-20" if yaw < 20 else "20-45" if yaw < 45 else "45 and more",
        "glasses": "yes" if "glasses" in kinds else "no",
        "hair": "pieces" if kinds & {"hair", "hat"} else "cropped or none",
    }


def _wall(size: int, rng: np.random.Generator) -> np.ndarray:
    """A softly uneven plain background (size, size, 3)."""
    across = np.linspace(-1, 1, size)
    slope = rng.normal(0, 0.06, 2)
    return (rng.uniform(0.25, 0.85, 3) + (slope[0] * across[None, :] + slope[1] * across[:, None])[..., None]).clip(0, 1)
