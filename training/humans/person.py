"""A dressed, haired, posed person as closed pieces with paint."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ...core.geometry.mesh import smoothing_matrix, vertex_normals
from ...core.models.head import HeadModel
from ...core.models.rotation import rotation_matrix
from .appearance import Appearance
from .assets import Assets, Proxy
from .bald import BaldHead
from .beards import grow_brows
from .bodies import HM08_COUNT, Bodies, Body
from .garments import Wardrobe
from .grooming import HATTED, groom
from .noise import Noise
from .part import Part, RestPart
from .styles import HeadFrame, Stylist

_SUNK = 0.015  # metres that skin is pushed in under a MakeHuman suit


@dataclass(frozen=True)
class Person:
    """parts in the camera frame: metres, origin between the eyes' joints; body, and the pose that made them: rotation (3, 3) of the
    head, neck (3,) its bend as a rotation vector. head (V, 3): the bald head in the head model's topology, camera frame."""

    parts: list[Part]
    body: Body
    head: np.ndarray
    rotation: np.ndarray
    neck: np.ndarray


class People:
    """Makes random people on the head model's bust."""

    def __init__(self, assets: Assets, model: HeadModel, bodies: Bodies) -> None:
        self._assets, self._model, self._bodies = assets, model, bodies
        count = len(model.closed_correspondence)
        self._stylist = Stylist(model.closed_mesh.faces, smoothing_matrix(model.closed_mesh.faces, count, 0.8))
        self._corner_uv = subdivided_uv(model)
        self._region = {name: model.closed_region(name) for name in ("head", "face", "ears", "brows", "lips")}
        cavity = model.closed_mesh.cavity
        self._patch = {"mouth": cavity("mouth"), "eye": cavity("left_eye") + cavity("right_eye")}
        self._neck_weight = model.closed_mesh.on(model.weights[:, 1:].sum(1))
        face_corners = self._region["face"][model.closed_mesh.faces] > 0.9
        self._face_uv = self._corner_uv[face_corners][::7]
        self._wardrobe = Wardrobe(assets.pack)
        # Never on the head, or a collar would push the jaw in.
        self._off_head = 1 - model.regions["head"]

    def make(self, rng: np.random.Generator, hatted: float = HATTED) -> Person:
        """One random person in a random pose; camera frame, origin between the eyes' joints. hatted: as `groom` takes it."""
        body, noise = self._bodies.sample(rng), Noise(rng)
        neutral = head_vertices(self._model, body)
        gaze = rotation_matrix(np.array([-rng.normal(0, 0.08), rng.normal(0, 0.14), 0]))
        frame = HeadFrame.measure(self._model.closed_vertices(neutral, body.joints, np.eye(3)), self._region)
        appearance = Appearance(self._assets, rng, noise, body, frame, self._face_uv, gaze)
        pieces, sunk = self._clothes(rng, body, noise, appearance)
        normals = vertex_normals(neutral, self._model.faces)
        covered = neutral - (np.append(sunk, 0.0)[self._model.hm08] * self._off_head)[:, None] * normals
        bald = self._model.closed_vertices(covered, body.joints, np.eye(3))
        worn_hair = rng.choice(["proxy", "grown", "shaped"], p=[0.2, 0.65, 0.15])
        shaped_beard = rng.random() < 0.3
        style = self._stylist.style(
            bald, self._region, rng, noise, worn_hair == "shaped", shaped_beard and body.gender > 0.55 and body.age > 0.5, cloth=not pieces
        )  # fmt: skip
        if worn_hair == "proxy":
            pieces.append(worn(self._pick(rng, "hair"), body, "hair", appearance, rng))
        head = BaldHead.of(self._model, covered, body.joints, body.vertices)
        pieces += groom(head, body, appearance, rng, noise, self._assets.split, worn_hair == "grown", not shaped_beard, hatted)
        pieces += brows_and_lashes(head, body, appearance, rng, self._assets)
        masks = [self._region["ears"], self._region["lips"], style.hair, style.beard, style.cloth]
        masks += [self._patch["mouth"], self._patch["eye"]]
        bust = RestPart(
            "bust", style.vertices, self._model.closed_mesh.faces, None, appearance.skin, self._corner_uv,
            np.stack(masks, 1).astype(np.float32), bald, self._model.closed_correspondence,
        )  # fmt: skip
        pose = _Pose(rng, body.joints)
        neck = self._bodies.weights[:, 1:].sum(1, keepdims=True)
        parts = [Part.of(bust, pose(bust.vertices, self._neck_weight))]
        for piece in pieces:
            assert piece.binding is not None
            parts.append(Part.of(piece, pose(piece.vertices, piece.binding.spread(neck)[:, 0])))
        return Person(parts, body, pose(neutral, self._model.weights[:, 1:].sum(1)), pose.rotation, pose.neck)

    def _pick(self, rng: np.random.Generator, category: str) -> Proxy:
        return self._assets.proxy(str(rng.choice(self._assets.names(category))))

    def _clothes(self, rng: np.random.Generator, body: Body, noise: Noise, appearance: Appearance) -> tuple[list[RestPart], np.ndarray]:
        """A MakeHuman suit, a procedural outfit, or nothing (then cloth is shaped from the bust), and how deep (19158,) metres skin is
        pushed in under it."""
        kind = rng.choice(["suit", "outfit", "shaped"], p=[0.3, 0.6, 0.1])
        if kind == "suit":
            suit = self._pick(rng, "clothes")
            sunk = np.zeros(HM08_COUNT, np.float32)
            sunk[suit.covered] = _SUNK
            return [worn(suit, body, "cloth", appearance, rng)], sunk
        if kind == "outfit":
            outfit = self._wardrobe.dress(body, rng, noise, appearance.cloth, upper_only=True)
            return list(outfit.parts), outfit.sunk
        return [], np.zeros(HM08_COUNT, np.float32)


def brows_and_lashes(head: BaldHead, body: Body, appearance: Appearance, rng: np.random.Generator, assets: Assets) -> list[RestPart]:
    """Brows, painted or grown, and lashes; a few people have none."""
    pick = lambda category: assets.proxy(str(rng.choice(assets.names(category))))  # noqa: E731
    kind = rng.choice(["painted", "grown", "none"], p=[0.77, 0.2, 0.03])
    pieces = grow_brows(head, rng, appearance.beard) if kind == "grown" else []
    if kind == "painted":
        pieces.append(worn(pick("eyebrows"), body, "brow", appearance, rng))
    if rng.random() < 0.9:
        pieces.append(worn(pick("eyelashes"), body, "lash", appearance, rng))
    return pieces


def worn(proxy: Proxy, body: Body, kind: str, appearance: Appearance, rng: np.random.Generator) -> RestPart:
    """A MakeHuman piece fitted to a body. kind: hair, brow, lash, cloth, shoe or hat; brows and lashes are drawn, not solid."""
    paint = appearance.piece(kind, proxy.texture, rng)
    vertices = proxy.fit(body.vertices)
    faces, corner_uv = proxy.outward(vertices)
    return RestPart(kind, vertices, faces, proxy.binding, paint, corner_uv, solid=kind not in ("brow", "lash"))


def head_vertices(model: HeadModel, body: Body) -> np.ndarray:
    """The body's vertices (V, 3) in the head model's topology; vertices of the clean cut, which hm08 lacks, follow their neighbour."""
    known = model.hm08 >= 0
    vertices = body.vertices[model.hm08]
    near = np.flatnonzero(known)[cKDTree(model.mean[known]).query(model.mean[~known])[1]]
    vertices[~known] = vertices[near] + model.mean[~known] - model.mean[near]
    return vertices


class _Pose:
    """A random neck turn and head direction; maps rest points to the camera frame."""

    def __init__(self, rng: np.random.Generator, joints: np.ndarray) -> None:
        yaw = float(np.clip(rng.normal(0, 0.35) if rng.random() < 0.8 else rng.uniform(-1.1, 1.1), -1.2, 1.2))
        self.neck = np.array([rng.normal(0, 0.10), rng.normal(0, 0.2), rng.normal(0, 0.06)])
        self._neck, self._pivot = rotation_matrix(self.neck), joints[1]
        turn = rotation_matrix(np.array([0, yaw - self.neck[1] * 0.7, 0]))
        tilt = rotation_matrix(np.array([rng.normal(0, 0.12), 0, 0])) @ rotation_matrix(np.array([0, 0, rng.normal(0, 0.07)]))
        self._turn = tilt @ turn
        self.rotation = self._turn @ self._neck
        self._shift = np.zeros(3)
        self._shift = -self(joints[3:], np.ones(2)).mean(0)

    def __call__(self, points: np.ndarray, head_weight: np.ndarray) -> np.ndarray:
        share = np.clip(head_weight, 0, 1)[:, None]
        turned = (points - self._pivot) @ self._neck.T + self._pivot
        return (share * turned + (1 - share) * points) @ self._turn.T + self._shift


def subdivided_uv(model: HeadModel) -> np.ndarray:
    """Corner uv (4 F, 3, 2) in MakeHuman's map of the subdivided bust, in the face order of loop_subdivision."""
    count = len(model.closed_mesh.faces) // 4
    coarse = np.stack([model.closed_mesh.faces[i * count : (i + 1) * count, 0] for i in range(3)], axis=1)
    known = {tuple(sorted(face)): row for row, face in enumerate(model.faces.tolist())}
    corner_uv = np.zeros((count, 3, 2), np.float32)
    for index, face in enumerate(coarse.tolist()):
        row = known.get(tuple(sorted(face)))
        if row is not None:
            at = dict(zip(model.faces[row].tolist(), model.faces_uv[row].tolist(), strict=True))
            corner_uv[index] = model.makehuman_uv[[at[vertex] for vertex in face]]
    a, b, c = np.moveaxis(corner_uv, 1, 0)
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    corners = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return np.concatenate([np.stack(corner, axis=1) for corner in corners]).astype(np.float32)
