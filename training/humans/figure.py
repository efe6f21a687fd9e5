"""Whole people: the closed hm08 body, dressed, haired and posed, seen from any side."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ...core.geometry.mesh import vertex_normals
from ...core.models.head import HeadModel
from ...core.models.rotation import rotation_matrix
from ...core.models.skinning import joint_transforms
from .appearance import Appearance
from .assets import Assets, Proxy
from .bald import BaldHead
from .base_mesh import BaseMesh
from .bodies import HM08_COUNT, Bodies, Body
from .everyday import everyday_pose
from .garments import Wardrobe
from .grooming import groom
from .loose import LooseTailor
from .noise import Noise
from .part import Binding, Part, RestPart
from .person import Person, brows_and_lashes, head_vertices, worn
from .poses import Poser, pose_body
from .skin import BUST_VALUES
from .styles import HeadFrame

_BODY = 13_380  # hm08's vertices before its helpers
_SUNK = {"cloth": 0.015, "shoe": 0.008}  # metres that skin is pushed in under MakeHuman pieces; toes would turn inside out


@dataclass(frozen=True)
class Figure(Person):
    """A person from head to foot; yaw: radians that the trunk is turned away from the camera, positive to the picture's right.

    naked (13380, 3): hm08's vertices under the clothes; bones (163, 3): the heads of `Bodies.bone_names`; both posed, camera frame.
    pose (163, 3): one rotation vector a bone, rest axes. upright (3, 3): turns the camera frame so that the person stands along y and
    the trunk faces +z.
    """

    yaw: float
    naked: np.ndarray
    bones: np.ndarray
    pose: np.ndarray
    upright: np.ndarray


class Figures:
    """Makes random whole people, in the same frame as busts."""

    def __init__(self, assets: Assets, model: HeadModel, bodies: Bodies) -> None:
        self._assets, self.model, self._bodies = assets, model, bodies
        self._poser, self._wardrobe = Poser(assets.pack, bodies), Wardrobe(assets.pack)
        mesh = BaseMesh.load(assets.pack)
        self._faces, self._corner_uv = mesh.triangles("body"), mesh.corner_uv("body")
        self._region = {name: model.closed_region(name) for name in ("head", "face", "ears", "brows", "lips")}
        self._skin_id = np.flatnonzero((model.part == 0) & (model.hm08 >= 0))
        self._cavity = {name: ids[model.hm08[ids] >= 0] for name, ids in model.closed_mesh.cavities.items()}
        self._masks = self._soft_masks()
        self._correspondence = self._on_body(model.correspondence)
        face = self._on_body(model.regions["face"])
        self._face_uv = self._corner_uv[face[self._faces] > 0.9]
        self._off_head = 1 - self._on_body(model.regions["head"])
        self._identity = Binding(
            np.repeat(np.arange(_BODY)[:, None], 3, axis=1), np.tile(np.array([[1, 0, 0]], np.float32), (_BODY, 1))
        )  # fmt: skip
        known = model.hm08 >= 0
        self._head_binding = Binding.nearest(model.mean, self._spread_mean(), np.unique(model.hm08[known]))

    def make(self, rng: np.random.Generator, loose: bool = False, everyday: bool = False) -> Figure:
        """One random person; camera frame, origin between the eyes' joints. loose: in loose clothes; everyday: in a pose of photos of
        people, rather than any."""
        body, noise = self._bodies.sample(rng), Noise(rng)
        neutral = head_vertices(self.model, body)
        gaze = rotation_matrix(np.array([-rng.normal(0, 0.08), rng.normal(0, 0.14), 0]))
        bust = self.model.closed_vertices(neutral, body.joints, np.eye(3))
        appearance = Appearance(self._assets, rng, noise, body, HeadFrame.measure(bust, self._region), self._face_uv, gaze)
        pieces, sunk, stride = self._clothes(rng, body, noise, appearance, loose)
        pieces += self._hair(rng, body, noise, appearance, neutral)
        pieces.insert(0, self._skin(body, bust, sunk, appearance))

        pose = everyday_pose(self._poser, body, rng, stride) if everyday else self._poser.draw(body, rng, stride)
        linear, offset = joint_transforms(body.bones, self._poser.parents, pose)
        yaw = float(rng.uniform(-np.pi, np.pi) if rng.random() < 0.5 else np.clip(rng.normal(0, 0.5), -np.pi, np.pi))
        camera = rotation_matrix(np.array([rng.normal(0, 0.06), 0, rng.normal(0, 0.03)])) @ rotation_matrix(np.array([0, yaw, 0]))
        head, trunk = (self._bodies.bone_names.index(name) for name in ("head", "spine01"))
        eyes = body.joints[3:].mean(0) @ linear[head].T + offset[head]
        linear, offset = camera @ linear, (offset - eyes) @ camera.T
        weights = self._bodies.bone_weights
        parts = []
        for piece in pieces:
            assert piece.binding is not None
            parts.append(Part.of(piece, pose_body(piece.vertices, piece.binding, weights, linear, offset)))
        posed = pose_body(neutral, self._head_binding, weights, linear, offset)
        neck = Rotation.from_matrix(linear[trunk].T @ linear[head]).as_rotvec()
        naked = pose_body(body.vertices[:_BODY], self._identity, weights, linear, offset)
        bones = np.einsum("jab,jb->ja", linear, body.bones) + offset
        return Figure(parts, body, posed, linear[head], neck, yaw, naked, bones, pose, camera.T)

    def _clothes(
        self, rng: np.random.Generator, body: Body, noise: Noise, appearance: Appearance, loose: bool
    ) -> tuple[list[RestPart], np.ndarray, float]:
        """Clothes and shoes, how deep (19158,) metres skin is pushed in under them, and the stride they allow."""
        pieces, sunk, stride = [], np.zeros(HM08_COUNT, np.float32), 1.0
        if loose or rng.random() < 0.65:
            tailor = LooseTailor if loose else None
            outfit = self._wardrobe.dress(body, rng, noise, appearance.cloth, upper_only=False, tailor=tailor)
            pieces, sunk, stride = list(outfit.parts), outfit.sunk, outfit.stride
        else:
            pieces.append(self._put_on(self._pick(rng, "clothes"), "cloth", body, appearance, rng, sunk))
        if rng.random() < 0.95:
            pieces.append(self._put_on(self._pick(rng, "shoes"), "shoe", body, appearance, rng, sunk))
        return pieces, sunk, stride

    def _put_on(self, proxy: Proxy, kind: str, body: Body, appearance: Appearance, rng: np.random.Generator, sunk: np.ndarray) -> RestPart:
        sunk[proxy.covered] = np.maximum(sunk[proxy.covered], _SUNK[kind])
        return worn(proxy, body, kind, appearance, rng)

    def _hair(self, rng: np.random.Generator, body: Body, noise: Noise, appearance: Appearance, head: np.ndarray) -> list[RestPart]:
        """A MakeHuman piece or grown hair, and what else is worn on the head."""
        own = rng.random() < 0.7
        pieces = [] if own else [worn(self._pick(rng, "hair"), body, "hair", appearance, rng)]
        bald = BaldHead.of(self.model, head, body.joints, body.vertices)
        pieces += groom(bald, body, appearance, rng, noise, self._assets.split, own)
        return pieces + brows_and_lashes(bald, body, appearance, rng, self._assets)

    def _skin(self, body: Body, bust: np.ndarray, sunk: np.ndarray, appearance: Appearance) -> RestPart:
        """The body as one closed solid: its mouth and eye sockets end at the patches of the head model's bust (Vs, 3)."""
        vertices = body.vertices[:_BODY].copy()
        for ids in self._cavity.values():
            vertices[self.model.hm08[ids]] = bust[ids]
        normals = vertex_normals(vertices, self._faces)
        pressed = vertices - normals * (sunk[:_BODY] * self._off_head)[:, None]
        return RestPart(
            "body", pressed, self._faces, self._identity, appearance.skin, self._corner_uv, self._masks, vertices, self._correspondence
        )  # fmt: skip

    def _pick(self, rng: np.random.Generator, category: str) -> Proxy:
        return self._assets.proxy(str(rng.choice(self._assets.names(category))))

    def _on_body(self, values: np.ndarray) -> np.ndarray:
        """Values (V, ...) of the head model carried to hm08's body, 0 off the head."""
        result = np.zeros((_BODY, *values.shape[1:]), np.float32)
        result[self.model.hm08[self._skin_id]] = values[self._skin_id]
        return result

    def _soft_masks(self) -> np.ndarray:
        """(13380, C) BUST_VALUES."""
        masks = np.zeros((_BODY, len(BUST_VALUES)), np.float32)
        for name in ("ears", "lips"):
            masks[:, BUST_VALUES.index(name)] = self._on_body(self.model.regions[name])
        for name, ids in self._cavity.items():
            masks[self.model.hm08[ids], BUST_VALUES.index("mouth" if name == "mouth" else "eye")] = 1
        return masks

    def _spread_mean(self) -> np.ndarray:
        """(19158, 3) the head model's mean where hm08 has its vertices."""
        known = self.model.hm08 >= 0
        result = np.zeros((HM08_COUNT, 3), np.float32)
        result[self.model.hm08[known]] = self.model.mean[known]
        return result
