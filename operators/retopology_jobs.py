"""The jobs of likeness.retopologise: quads from the worker, from another Blender, and of several parts one after the other."""

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..core.errors import ReconstructionError
from ..core.private_folder import PrivateFolder
from ..core.result import Mesh, Result
from ..core.topology.quads import QuadMesh
from ..scene import quadriflow
from ..worker.client import WorkerClient
from .blender_job import BlenderJob, failed
from .job import Job
from .worker_job import WorkerJob

_FEWEST = 1000  # quads of a whole surface: with fewer QuadriFlow closes parts of it


class NoPart:
    """What a part gives that is too small for a mesh."""


class TemplateRetopology(WorkerJob):
    """The head model's quads, by the worker; gives a QuadMesh."""

    def __init__(self, client: WorkerClient, reconstruction: Result, cover: bool, inner: bool) -> None:
        super().__init__(client)
        self._folder = PrivateFolder()
        here = self._folder.path / "reconstruction.npz"
        reconstruction.save(here)
        client.retopologise(here, cover, inner)

    def load(self, path: Path) -> QuadMesh:
        return QuadMesh.load(path)

    def close(self) -> None:
        super().close()
        self._folder.close()


class FreeRetopology(BlenderJob):
    """Quads by QuadriFlow; gives a QuadMesh, or NoPart."""

    def __init__(self, reconstruction: Result, quads: int, part: str = "", shares: Mapping[str, np.ndarray] | None = None) -> None:
        """quads: about how many the whole would have; part: one of quadriflow.PARTS, of a surface with these shares (PartsRetopology)."""
        self._folder = PrivateFolder()
        here, self._output = self._folder.path / "surface.npz", self._folder.path / "quads.npz"
        surface, some = reconstruction.surface, {} if shares is None else {"part": np.array(part), **shares}
        np.savez(here, vertices=surface.vertices, faces=surface.faces, colours=surface.colours, observed=surface.observed, **some)
        super().__init__(Path(quadriflow.__file__), [str(here), str(self._output), str(quads)], quadriflow.STAGES)

    def outcome(self, code: int) -> QuadMesh | NoPart:
        if code == quadriflow.NO_PART:
            return NoPart()
        if code == quadriflow.NO_QUADS:
            raise ReconstructionError("QuadriFlow makes no quads of this surface; try another number of quads, or the template.")
        if code or not self._output.is_file():
            raise failed("QuadriFlow")
        return QuadMesh.load(self._output)

    def close(self) -> None:
        super().close()
        self._folder.close()


class PartsRetopology:
    """Skin, hair and clothes, one after the other; gives QuadMeshes by name, the skin's first, whose name is empty.

    shares: hair, clothes and head (V,), how much of each vertex is of them. quads: about how many the whole would have. template: makes the
    skin, instead of QuadriFlow; hair and clothes then get quads as large as its.
    """

    def __init__(self, reconstruction: Result, shares: Mapping[str, np.ndarray], quads: int, template: Job | None = None) -> None:
        self._reconstruction, self._shares, self._quads = reconstruction, shares, quads
        self._waiting, self._meshes = deque((quadriflow.HAIR, quadriflow.CLOTHES)), dict[str, QuadMesh]()
        self._part, self._template = quadriflow.SKIN, template is not None
        self._job: Job = template or self._free()

    @property
    def stage(self) -> str:
        return f"{self._part.capitalize()}: {self._job.stage}"

    @property
    def fraction(self) -> float:
        whole = len(quadriflow.PARTS)
        return (whole - 1 - len(self._waiting) + self._job.fraction) / whole

    def poll(self) -> dict[str, QuadMesh] | None:
        outcome = self._job.poll()
        if outcome is None:
            return None
        skin = self._part == quadriflow.SKIN
        if not isinstance(outcome, NoPart):
            self._meshes["" if skin else self._part.capitalize()] = outcome
            if self._template and skin:
                self._quads = _as_dense(outcome, self._reconstruction.surface)
        self._job.close()
        if not self._waiting:
            if not self._meshes:
                raise ReconstructionError("Skin, hair and clothes are too small for meshes of their own; choose one mesh.")
            return self._meshes
        self._part = self._waiting.popleft()
        self._job = self._free()
        return None

    def cancel(self) -> None:
        self._job.cancel()

    def close(self) -> None:
        self._job.close()

    def log(self) -> Sequence[str]:
        return self._job.log()

    def _free(self) -> FreeRetopology:
        return FreeRetopology(self._reconstruction, self._quads, self._part, self._shares)


def _as_dense(quads: QuadMesh, surface: Mesh) -> int:
    """How many quads as large as the skin's of a template a surface has."""
    held = (quads.wrapped > 0.5)[quads.faces].all(1)
    of_skin = quads.faces[held] if held.any() else quads.faces
    one = _area(quads.vertices, of_skin[:, :3]) + _area(quads.vertices, of_skin[:, [0, 2, 3]])
    return max(round(len(of_skin) * _area(surface.vertices, surface.faces) / one), _FEWEST)


def _area(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)
