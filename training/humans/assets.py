"""MakeHuman proxies and textures (CC0) of the asset pack, whose README describes the arrays."""

import json
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from .part import Binding

HEAD_CROP = (slice(540, 1564), slice(1312, 2048))  # rows and columns of the head in a 2048 px skin
SPLITS = ("training", "evaluation")
_HELD_OUT_PIECES = ("short03", "braid01", "male_casualsuit05", "female_sportsuit01", "shoes06", "fedora_cocked", "eyebrow011", "eyebrow012")
_HELD_OUT_SKINS = ("young_lightskinned_female3", "young_lightskinned_male3", "middleage_darkskinned_male")
HELD_OUT = frozenset((*_HELD_OUT_PIECES, *_HELD_OUT_SKINS, "eyelashes04", "eye_grey.webp", "eye_deepblue.webp"))
"""Pieces, irises and skins that only evaluation people wear."""


@dataclass(frozen=True)
class Proxy:
    """A piece fitted to the hm08 mesh: clothes, hair, brows, lashes, eyes.

    ref (N, 3), weight (N, 3), offset (N, 3): how each vertex hangs on hm08; faces (F, 3) and corner_uv (F, 3, 2) of either sense, caps
    included (a cap's corners share one texel); covered: hm08 vertices that lie under it; texture: file name or "".
    """

    name: str
    ref: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    scale_ref: np.ndarray
    scale_den: np.ndarray
    faces: np.ndarray
    corner_uv: np.ndarray
    cap_loops: list[np.ndarray]
    covered: np.ndarray
    texture: str

    def fit(self, body: np.ndarray) -> np.ndarray:
        """Rest vertices (N + caps, 3) on an hm08 rest body (19158, 3)."""
        span = body[self.scale_ref[:, 0], range(3)] - body[self.scale_ref[:, 1], range(3)]
        placed = np.einsum("nij,ni->nj", body[self.ref], self.weight) + self.offset * (np.abs(span) / self.scale_den)
        return self._with_caps(placed)

    def outward(self, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Faces (F, 3) and corner_uv (F, 3, 2) for fitted vertices, every connected piece turned so that its volume is positive.

        Hair is many closed cards that face either way; pieces of opposite sense would cancel where they overlap.
        """
        a, b, c = np.moveaxis(vertices[self.faces].astype(np.float64), 1, 0)
        volume = np.bincount(self.component, np.einsum("ij,ij->i", a, np.cross(b, c)))
        turned = volume[self.component] < 0
        faces, corner_uv = self.faces.copy(), self.corner_uv.copy()
        faces[turned], corner_uv[turned] = faces[turned, ::-1], corner_uv[turned, ::-1]
        return faces, corner_uv

    @cached_property
    def component(self) -> np.ndarray:
        """(F,) which connected piece each face belongs to."""
        count = int(self.faces.max()) + 1
        edges = np.concatenate([self.faces[:, :2], self.faces[:, 1:]])
        graph = sp.coo_matrix((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(count, count))
        return connected_components(graph, directed=False)[1][self.faces[:, 0]]

    @property
    def binding(self) -> Binding:
        """How the fitted vertices follow hm08; a cap's centre follows the first vertex of its rim."""
        weight = np.clip(self.weight, 0, None)
        weight = (weight / np.maximum(weight.sum(1, keepdims=True), 1e-8)).astype(np.float32)
        first = np.array([loop[0] for loop in self.cap_loops], np.int64)
        return Binding(np.concatenate([self.ref, self.ref[first]]), np.concatenate([weight, weight[first]]))

    def _with_caps(self, values: np.ndarray) -> np.ndarray:
        centres = [values[loop].mean(0, keepdims=True) for loop in self.cap_loops]
        return np.concatenate([values, *centres]).astype(np.float32)


class Assets:
    """Lazy access to one asset pack folder. Training and evaluation people share no textured piece, iris or skin (HELD_OUT)."""

    def __init__(self, root: Path, split: str = "training") -> None:
        self.pack, self.root, self.split = root, root / "makehuman", split
        self._table = np.load(self.root / "proxies.npz", allow_pickle=False)
        names, categories = self._table["names"], self._table["category"]
        self._row = {str(name): row for row, name in enumerate(names)}
        self._category = {str(name): str(category) for name, category in zip(names, categories, strict=True)}
        listing = json.loads((self.root / "textures.json").read_text())
        self.irises = [name for name in sorted(path.name for path in (self.root / "textures").glob("eye_*.webp")) if self._ours(name)]
        self.skins: list[dict[str, str]] = [skin for skin in listing["skins"] if self._ours(skin["name"])]

    def _ours(self, name: str) -> bool:
        return (name in HELD_OUT) == (self.split == "evaluation")

    def names(self, category: str, textured: bool = True) -> list[str]:
        """This split's proxies of a category, by default only those whose picture the pack holds."""
        return [
            name
            for name, kind in self._category.items()
            if kind == category and self._ours(name) and (not textured or self._table["texture"][self._row[name]])
        ]

    @cache  # noqa: B019 - one Assets object lives for the whole process
    def proxy(self, name: str) -> Proxy:
        """The proxy by name, capped so that it is closed."""
        row, table = self._row[name], self._table
        quads, quads_uv = table[f"{name}/quads"].astype(np.int64), table[f"{name}/quads_uv"].astype(np.int64)
        second = quads[:, 2] != quads[:, 3]
        faces = np.concatenate([quads[:, :3], quads[second][:, [0, 2, 3]]])
        corners = table[f"{name}/uv"][np.concatenate([quads_uv[:, :3], quads_uv[second][:, [0, 2, 3]]])]
        count = len(table[f"{name}/ref"])
        ends = np.cumsum(table[f"{name}/cap_len"].astype(np.int64))
        loops = [loop.astype(np.int64) for loop in np.split(table[f"{name}/cap_loops"], ends)[:-1]]
        uv_of = np.zeros((count, 2), np.float32)
        uv_of[faces.ravel()] = corners.reshape(-1, 2)
        for index, loop in enumerate(loops):
            fan = np.stack([loop, np.roll(loop, -1), np.full(len(loop), count + index)], axis=1)
            faces = np.concatenate([faces, fan])
            corners = np.concatenate([corners, np.repeat(uv_of[fan[:, :1]], 3, axis=1)])
        return Proxy(
            name=name,
            ref=table[f"{name}/ref"].astype(np.int64),
            weight=table[f"{name}/w"],
            offset=table[f"{name}/d"],
            scale_ref=table["scale_ref"][row],
            scale_den=table["scale_den"][row],
            faces=np.ascontiguousarray(faces),
            corner_uv=np.ascontiguousarray(corners, np.float32),
            cap_loops=loops,
            covered=table[f"{name}/delete"].astype(np.int64),
            texture=str(table["texture"][row]),
        )

    @lru_cache(maxsize=64)  # noqa: B019 - see proxy()
    def texture(self, name: str) -> np.ndarray:
        """(H, W, 4) uint8 sRGB and alpha; row 0 is v = 1."""
        picture = cv2.imread(str(self.root / "textures" / name), cv2.IMREAD_UNCHANGED)
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        if picture.shape[2] == 3:
            return cv2.cvtColor(picture, cv2.COLOR_BGR2RGBA)
        return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)

    @lru_cache(maxsize=32)  # noqa: B019 - see proxy()
    def skin(self, index: int) -> np.ndarray:
        """(2048, 2048, 3) uint8 sRGB skin with the head at full resolution."""
        entry = self.skins[index]
        whole = cv2.resize(self.texture(entry["texture"])[..., :3], (2048, 2048), interpolation=cv2.INTER_LINEAR)
        whole[HEAD_CROP] = self.texture(entry["head_crop"])[..., :3]
        return whole
