"""A parametric model of people: a mean shape, how people and expressions change it, joints that pose it, and what is marked on it.

The head, a body and FLAME are all built as one. The arrays tell the sizes: V vertices, F triangles, K identity components, E expressions, J
joints. numpy and scipy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from ..geometry.closest import Topology
from ..geometry.mesh import loop_subdivision, vertex_normals
from .skinning import joint_transforms, skin


@dataclass(frozen=True)
class Skeleton:
    """A tree of joints at rest, model frame, metres.

    names (J,); parents (J,): each before its children, -1 for the first; joints (J, 3); identity (K, J, 3): their linear change with the
    identity; expression (E, J, 3) or None: with the expression, for models whose joints follow it.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    joints: np.ndarray
    identity: np.ndarray
    expression: np.ndarray | None = None

    def of(self, identity: np.ndarray) -> np.ndarray:
        """Joints (J, 3) of a person (K,)."""
        return self.joints + np.tensordot(identity, self.identity, 1)

    def transforms(self, joints: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Linear parts (J, 3, 3) and offsets (J, 3) that move rest points with each joint of a person whose joints (J, 3) are given.

        rotations (J, 3): rotation vectors relative to the parents; the first joint turns about the origin."""
        return joint_transforms(joints, self.parents, rotations)


@dataclass(frozen=True)
class LandmarkSet:
    """The N points that one detector reports, as places on the model's triangles.

    corners (N, 3): vertex ids; barycentric (N, 3); bias (N, 3): the detector's calibrated offset in the model frame, metres, to be added to
    the model's point before comparing; weight (N,): how much each point is trusted.
    """

    corners: np.ndarray
    barycentric: np.ndarray
    bias: np.ndarray
    weight: np.ndarray

    def on(self, values: np.ndarray) -> np.ndarray:
        """Values (V, C) of the model's vertices, such as their places, at the landmarks: (N, C), without the bias."""
        return np.einsum("nic,ni->nc", values[self.corners], self.barycentric)

    def changes(self, shapes: np.ndarray) -> np.ndarray:
        """Offsets (P, V, 3) of the model's vertices at the landmarks: (P, N, 3)."""
        return np.einsum("kncd,nc->knd", shapes[:, self.corners], self.barycentric)


@dataclass(frozen=True)
class ClosedMesh:
    """A closed smooth surface over the model's open skin, for fields and silhouettes.

    base (Vb, Vskin): makes the coarse mesh's vertices out of the skin's, which are the first of them; patches over the cavities and caps
    over cut edges follow. cavities: name -> the inner vertices of that cavity's patch, of the coarse mesh. subdivision (Vs, Vb): one Loop
    subdivision, so that the mesh renders smooth; faces (Fs, 3) of the result.
    """

    base: sp.csr_matrix
    cavities: Mapping[str, np.ndarray]
    subdivision: sp.csr_matrix
    faces: np.ndarray

    @classmethod
    def over(cls, base: sp.csr_matrix, faces: np.ndarray, cavities: Mapping[str, np.ndarray]) -> Self:
        """From the coarse mesh's matrix (Vb, Vskin) and faces (F, 3)."""
        subdivision, finer = loop_subdivision(faces, base.shape[0])
        return cls(base, cavities, subdivision, finer)

    @classmethod
    def none(cls) -> Self:
        """Of a model that has none: no vertices, no faces."""
        return cls(sp.csr_matrix((0, 0)), {}, sp.csr_matrix((0, 0)), np.zeros((0, 3), np.int64))

    def coarse(self, values: np.ndarray) -> np.ndarray:
        """Values (V, ...) of the model's vertices, skin first, on the coarse mesh (Vb, ...)."""
        return self.base @ values[: self.base.shape[1]]

    def on(self, values: np.ndarray) -> np.ndarray:
        """Values (V, ...) of the model's vertices on the closed mesh (Vs, ...)."""
        return self.subdivision @ self.coarse(values)

    def cavity(self, name: str) -> np.ndarray:
        """The mask (Vs,), in [0, 1], of a cavity's inner vertices."""
        inside = np.zeros(self.base.shape[0], np.float32)
        inside[self.cavities[name]] = 1
        return self.subdivision @ inside

    def patch(self, name: str, border: int) -> np.ndarray:
        """1 on a cavity's patch and so many rings of faces around it (Vs,), else 0."""
        patch = self.cavity(name) > 0
        for _ in range(border):
            patch[self.faces[patch[self.faces].any(1)]] = True
        return patch.astype(np.float32)

    @cached_property
    def topology(self) -> Topology:
        """For closest points on the mesh, whatever its shape."""
        return Topology(self.faces)


@dataclass(frozen=True)
class Parameters:
    """identity (K,) in standard deviations; expression (E,) in [0, 1]; rotations (J, 3): rotation vectors of the joints, each relative to
    its parent. The first joint's turns the model frame into the camera frame."""

    identity: np.ndarray
    expression: np.ndarray
    rotations: np.ndarray


@dataclass(frozen=True)
class Posed:
    """A posed model in the camera frame, metres: vertices (V, 3), joints (J, 3), rotation (3, 3) of its main joint from model to camera
    axes, closed_vertices and closed_normals (Vs, 3) of the closed mesh."""

    vertices: np.ndarray
    joints: np.ndarray
    rotation: np.ndarray
    closed_vertices: np.ndarray
    closed_normals: np.ndarray


@dataclass(frozen=True, eq=False)
class ParametricModel:
    """Instances are shared and compared by identity: treat their arrays as constants. Metres, model frame.

    mean (V, 3); identity (K, V, 3): principal shapes, one standard deviation each; expression (E, V, 3) with E names, E may be 0;
    skeleton, weights (V, J): blend skinning; faces (F, 3); part (V,), face_part (F,): ids of the pieces, 0 is skin, whose vertices come
    first. Empty where the model has none: uv (U, 2), faces_uv (F, 3); correspondence (V, 3): canonical
    coordinates in [0, 1], 0 off the head; mirror (V,): the vertex on the other
    side; regions: name -> soft mask (V,); landmarks: name -> set; closed_mesh.
    """

    mean: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    expression_names: tuple[str, ...]
    skeleton: Skeleton
    weights: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    part: np.ndarray
    uv: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    faces_uv: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    correspondence: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    mirror: np.ndarray = field(default_factory=lambda: np.zeros((0,)))
    regions: Mapping[str, np.ndarray] = field(default_factory=dict)
    landmarks: Mapping[str, LandmarkSet] = field(default_factory=dict)
    closed_mesh: ClosedMesh = field(default_factory=ClosedMesh.none)

    MAIN_JOINT: ClassVar[int] = 0
    """Whose turn is the subject's own."""

    @property
    def skin_count(self) -> int:
        """Vertices of the skin."""
        return int((self.part == 0).sum())

    def neutral(self) -> Parameters:
        """The mean person, at rest, looking along +z."""
        return Parameters(np.zeros(len(self.identity)), np.zeros(len(self.expression)), np.zeros_like(self.skeleton.joints, np.float64))

    def rest(self, identity: np.ndarray, expression: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shaped but unposed vertices (V, 3) and joints (J, 3), model frame."""
        identity = np.asarray(identity, np.float32)
        vertices, joints = self.mean + np.tensordot(identity, self.identity, 1), self.skeleton.of(identity)
        active = np.flatnonzero(expression)
        if len(active):
            values = np.asarray(expression, np.float32)[active]
            vertices += np.tensordot(values, self.expression[active], 1)
            if self.skeleton.expression is not None:
                joints = joints + np.tensordot(values, self.skeleton.expression[active], 1)
        return vertices, joints

    def posed(self, parameters: Parameters) -> Posed:
        """Vertices, joints and closed mesh in the camera frame."""
        vertices, joints = self.rest(parameters.identity, parameters.expression)
        linear, offset = self.skeleton.transforms(joints, parameters.rotations)
        moved = np.einsum("jab,jb->ja", linear, joints) + offset
        origin = self.origin(moved)
        joints = (moved - origin).astype(np.float32)
        vertices = skin(vertices, self.weights, linear, offset - origin)
        closed = self.closed_vertices(vertices, joints, linear[self.MAIN_JOINT])
        return Posed(vertices, joints, linear[self.MAIN_JOINT], closed, vertex_normals(closed, self.closed_mesh.faces))

    def origin(self, joints: np.ndarray) -> np.ndarray:
        """Where the camera frame's origin lies (3,) for posed joints (J, 3), which still are in the model's place."""
        return joints[0]

    def closed_vertices(self, vertices: np.ndarray, joints: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """The closed mesh (Vs, 3) over posed vertices (V, 3) and joints (J, 3); rotation (3, 3): the main joint's."""
        return self.closed_mesh.on(vertices).astype(np.float32)

    def closed_region(self, name: str) -> np.ndarray:
        """A region's mask (Vs,) on the closed mesh, in [0, 1]."""
        return np.clip(self.closed_mesh.on(self.regions[name]), 0, 1).astype(np.float32)

    @cached_property
    def closed_correspondence(self) -> np.ndarray:
        """The semantic correspondence (Vs, 3) on the closed mesh, in [0, 1]."""
        return np.clip(self.closed_mesh.on(self.correspondence), 0, 1).astype(np.float32)

    @cached_property
    def closed_rest(self) -> np.ndarray:
        """The mean person's closed mesh at rest (Vs, 3), camera frame."""
        return self.posed(self.neutral()).closed_vertices
