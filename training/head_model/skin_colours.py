"""How skin differs over a head: `python -m likeness.training.head_model.skin_colours --assets FOLDER [--output FILE]`, half a minute.

Colours that are seldom seen in a portrait, of ears, the jaw's sides and the nape, are those of the light-skinned MakeHuman skins (CC0)
relative to the same skins' cheeks, on average; and as light as ambient occlusion of the mean head leaves them, with the red light that skin
throws on skin (Jimenez et al. 2016, Practical Real-Time Strategies for Accurate Indirect Occlusion). Ears' folds are lit as portraits light
them. Dark skins are painted without light
and shade, and scalps with stubble, so neither counts.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import cKDTree

from likeness.core.geometry.mesh import smoothing_matrix, vertex_normals
from likeness.core.geometry.visibility import depth_picture, smoothstep, visibility
from likeness.core.models.head import HeadModel
from likeness.core.models.skin_colours import BLACK, SCHEMA, SKIN_COLOURS_FILE

from ..humans.assets import Assets
from ..humans.person import subdivided_uv

_DIRECTIONS, _SIZE = 96, 1024
_FROM_BELOW = 0.4  # of the light from above
_ALBEDO = np.array([0.45, 0.28, 0.2])  # linear, of skin between light and dark
_OCCLUDED = 0.7  # of the occlusion's logarithm: photos have light from the front as well
_GAMMA = 2.2
_TEXEL = 1.5  # pixels of the skins over which they are averaged
_SMOOTHING = 2
_STUBBLE = (0.03, 0.05)  # metres around the scalp
_EARS = 1.6  # times as much of it in ears, whose folds are as deep as they are wide
_PORTRAITS, _AMBIENT, _WRAPPED = (
    (0.0, 0.55, 0.835),
    0.35,
    0.15,
)  # portraits' light, from above and before; share of what comes from all sides
_FOLDS, _WIDE = 2.0, 12  # of ears' folds in that light, against the mean of so many rings: cells of colours blur half of it away
_DEEPEST = 0.8  # natural logarithm
_FRONT = 0.6  # z of the normals of cheeks and forehead


def build(assets: Path) -> dict[str, np.ndarray]:
    """The arrays of SCHEMA."""
    model = HeadModel.load()
    rest = model.closed_rest.astype(np.float32)
    faces = model.closed_mesh.faces
    regions = {name: model.closed_region(name) for name in ("face", "scalp", "eyes", "lips", "brows")}
    features = np.max([regions[name] for name in ("eyes", "lips", "brows")], axis=0)
    cheek = (regions["face"] > 0.9) & (features < 0.1) & (vertex_normals(rest, faces)[:, 2] > _FRONT)
    painted = painted_colours(model, Assets(assets))
    change = np.mean([colours - np.median(colours[cheek], axis=0) for colours in painted], axis=0)
    change *= 1 - np.maximum(stubbly(rest, regions["scalp"]) * (1 - model.closed_region("ears")), features)[:, None]
    shade = _OCCLUDED * np.log(reflected(openness(rest, faces))) / _GAMMA
    shade -= np.median(shade[cheek], axis=0)
    fine = _EARS * shade + folds(rest, faces)[:, None]
    smoothing = smoothing_matrix(faces, len(rest))
    for _ in range(_SMOOTHING):
        change, shade = smoothing @ change, smoothing @ shade
    change += shade + model.closed_region("ears")[:, None] * (fine - shade)
    mirror = cKDTree(rest).query(rest * [-1, 1, 1])[1]
    change = (change + change[mirror]) / 2
    return {"change": change.astype(np.float16)}


def stubbly(vertices: np.ndarray, scalp: np.ndarray) -> np.ndarray:
    """(V,) in [0, 1]: how surely stubble is painted on vertices (V, 3), on the scalp (V,) and around it."""
    away = cKDTree(vertices[scalp > 0.5]).query(vertices)[0]
    return 1 - smoothstep(away, *_STUBBLE)


def painted_colours(model: HeadModel, assets: Assets) -> list[np.ndarray]:
    """Natural logarithms (Vs, 3) of the light skins' colours + BLACK on the closed mesh; where nothing is painted, those of cheeks."""
    corner_uv = subdivided_uv(model)
    known = (corner_uv != 0).any(-1).ravel()
    vertex = model.closed_mesh.faces.ravel()[known]
    count = len(model.closed_correspondence)
    painted = np.maximum(np.bincount(vertex, minlength=count), 1e-9)[:, None]
    found = []
    for index, skin in enumerate(assets.skins):
        if "light" not in skin["name"]:
            continue
        picture = cv2.GaussianBlur(assets.skin(index).astype(np.float32) / 255, (0, 0), _TEXEL)
        size = len(picture)
        column, row = np.rint(np.stack([corner_uv[..., 0], 1 - corner_uv[..., 1]]) * size - 0.5).astype(int).clip(0, size - 1)
        texels = np.log(picture[row, column].reshape(-1, 3)[known] + BLACK)
        colours = np.stack([np.bincount(vertex, column, count) for column in texels.T], axis=1) / painted
        found.append(np.where(painted > 0.5, colours, np.median(texels, axis=0)))
    return found


def openness(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) in [0, 1]: share of an even sky's light, weaker from below, that reaches vertices (V, 3)."""
    normals = vertex_normals(vertices, faces)
    middle, half = (vertices.max(0) + vertices.min(0)) / 2, 0.55 * np.linalg.norm(np.ptp(vertices, axis=0))
    number = np.arange(_DIRECTIONS) + 0.5
    up, around = 1 - 2 * number / _DIRECTIONS, np.pi * (1 + 5**0.5) * number
    flat = np.sqrt(1 - up**2)
    received, most = np.zeros(len(vertices)), np.zeros(len(vertices))
    for x, y, z in np.column_stack([flat * np.cos(around), up, flat * np.sin(around)]):
        towards = np.array([x, y, z])
        right = np.cross([0, 1, 0], towards)
        right /= np.linalg.norm(right)
        view = np.stack([right, np.cross(towards, right), towards])
        seen, facing = (((vertices - middle) / half) @ view.T).astype(np.float32), (normals @ view.T).astype(np.float32)
        weight = np.maximum(facing[:, 2], 0) * (_FROM_BELOW + (1 - _FROM_BELOW) * (y + 1) / 2)
        received += weight * visibility(seen, facing, depth_picture(seen, faces, _SIZE).depth)
        most += weight
    return (received / np.maximum(most, 1e-9)).clip(0.02, 1)


def folds(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) natural logarithm of sRGB: how much lighter vertices (V, 3) are in a portrait's light than what is around them."""
    normals, smoothing = vertex_normals(vertices, faces), smoothing_matrix(faces, len(vertices))
    around = normals
    for _ in range(_WIDE):
        around = smoothing @ around
    around = around / np.linalg.norm(around, axis=1, keepdims=True)
    here, there = (_WRAPPED + (1 - _WRAPPED) * one @ _PORTRAITS for one in (normals, around))
    lighter = np.log((_AMBIENT + (1 - _AMBIENT) * np.maximum(here, 0)) / (_AMBIENT + (1 - _AMBIENT) * np.maximum(there, 0)))
    return _FOLDS * np.clip(lighter, -_DEEPEST, _DEEPEST) / _GAMMA


def reflected(openness: np.ndarray) -> np.ndarray:
    """(V, 3): linear light of vertices with openness (V,), with what skin throws on skin."""
    cubic = [2.0404 * _ALBEDO - 0.3324, -4.7951 * _ALBEDO + 0.6417, 2.7552 * _ALBEDO + 0.6903]
    share = openness[:, None]
    return np.maximum(share, ((share * cubic[0] + cubic[1]) * share + cubic[2]) * share)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=SKIN_COLOURS_FILE)
    arguments = parser.parse_args()
    SCHEMA.save(arguments.output, build(arguments.assets), compressed=True)


if __name__ == "__main__":
    main()
