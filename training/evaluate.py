"""Measure weights on fixed synthetic people that training never sees:
`python -m likeness.training.evaluate --assets FOLDER --weights FOLDER --people 24`.

Distances are exact point-to-triangle, un-squared, millimetres of the crop frame (63 mm between the eyes), without alignment (R-Eval A0):
P2S is truth to prediction, S2P prediction to truth samples, Chamfer their mean. `face` is P2S on the truth's visible face skin.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from scipy.spatial import cKDTree

from ..core.geometry.closest import ClosestSurface
from ..core.geometry.mesh import vertex_normals
from ..core.geometry.raster import interpolate, rasterize
from ..core.models.prior import FaceBlend
from ..core.networks.field import ImplicitField
from ..core.networks.normal import INPUT_SIZE, NormalNetwork
from ..core.networks.predictor import Predictor
from ..core.photo.view import CROP_HALF
from ..core.surface.detail import displace_front
from ..core.surface.extract import extract_surface
from ..core.surface.smooth import smooth_surface
from .dataset import photographs
from .render.buffers import Buffers, solid_depth
from .render.labels import SurfaceSamples, surface_samples
from .samples import SEEDS, Drawn, Sampler

_MM = CROP_HALF * 1000
_RESOLUTION = 128


def measure(vertices: np.ndarray, faces: np.ndarray, surface: SurfaceSamples, face_skin: np.ndarray, buffers: Buffers) -> dict[str, float]:
    """One mesh (crop frame) against the truth: distances in mm, degrees of the front's normals, silhouette IoU."""
    inside = (np.abs(surface.position) < 0.97).all(1)
    to_mesh = np.abs(ClosestSurface(vertices, faces).query(surface.position[inside])[0]) * _MM
    mine = vertices[(np.abs(vertices) < 0.97).all(1)]
    offset, near = cKDTree(surface.position).query(mine)
    height = np.abs(np.einsum("ij,ij->i", mine - surface.position[near], surface.normal[near]))
    to_truth = np.where(offset < 0.03, height, offset) * _MM
    tensor, triangles = torch.from_numpy(vertices), torch.from_numpy(np.asarray(faces, np.int64))
    raster = rasterize(tensor, triangles, INPUT_SIZE)
    drawn = raster.mask.numpy()
    person = buffers.coverage > 0.5
    normal = interpolate(raster, triangles, torch.from_numpy(vertex_normals(vertices, faces))).numpy()
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    both = drawn & (buffers.coverage > 0.95)
    angle = np.degrees(np.arccos(np.clip((normal * buffers.normal).sum(-1), -1, 1)))[both]
    return {
        "chamfer": float((to_mesh.mean() + to_truth.mean()) / 2),
        "p2s": float(to_mesh.mean()),
        "s2p": float(to_truth.mean()),
        "face": float(to_mesh[face_skin[inside]].mean()),
        "normals": float(angle.mean()),
        "silhouette_iou": float((drawn & person).sum() / (drawn | person).sum()),
    }


def _face_skin(drawn: Drawn, surface: SurfaceSamples, sampler: Sampler) -> np.ndarray:
    """(N,) bool: samples within 5 mm of the person's own bald face, so neither hair nor clothes."""
    bald = drawn.scene.vertices[0]
    region = sampler.model.solid_region("face") > 0.8
    near_face = cKDTree(bald[region]).query(surface.position)[0] < 0.012
    return near_face & (surface.normal[:, 2] > -0.2)


def main() -> None:
    """Command line; prints a table and writes evaluation.json beside the weights if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--output", type=Path, help="JSON file for the means and the rows")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    normal, field = NormalNetwork(), ImplicitField()
    for network, name in ((normal, "normal"), (field, "field")):
        network.load_state_dict({k: v.float() for k, v in load_file(arguments.weights / f"{name}.safetensors").items()})
    predictor = Predictor(normal, field, torch.device("cpu"))
    sampler = Sampler(arguments.assets)
    rows: list[dict[str, dict[str, float]]] = []
    for index in range(arguments.people):
        drawn = sampler.draw(SEEDS["evaluation"], index)
        stored, buffers = sampler.picture(drawn)
        surface = surface_samples(drawn.person, drawn.scene, solid_depth(drawn.scene)[0], drawn.rng)
        face_skin = _face_skin(drawn, surface, sampler)
        photo = photographs(stored, np.random.default_rng([4, index]))["photo"]
        picture, maps, normals = predictor.normals(photo, drawn.prior)
        crop_field = predictor.field(picture, maps, normals, drawn.prior, FaceBlend.of(sampler.model, drawn.fit))
        vertices, faces = extract_surface(crop_field.distance, crop_field.in_hull, _RESOLUTION, prior=crop_field.prior_distance)
        vertices = smooth_surface(vertices, faces, 1 - crop_field.trust(vertices), 12)
        picture = normals[0].permute(1, 2, 0).numpy()
        detailed = displace_front(vertices, faces, vertex_normals(vertices, faces), picture, photo[..., 3] > 0.5)
        row = {
            "fitted model": measure(drawn.prior.vertices, drawn.prior.faces, surface, face_skin, buffers),
            "field": measure(vertices, faces, surface, face_skin, buffers),
            "field + normals": measure(detailed, faces, surface, face_skin, buffers),
        }
        rows.append(row)
    names = list(rows[0]["field"])
    means = {method: {name: float(np.mean([row[method][name] for row in rows])) for name in names} for method in rows[0]}
    print("| method | " + " | ".join(names) + " |")
    for method, values in means.items():
        print(f"| {method} | " + " | ".join(f"{values[name]:.3f}" for name in names) + " |")
    if arguments.output:
        arguments.output.write_text(json.dumps({"people": len(rows), "mean": means, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
