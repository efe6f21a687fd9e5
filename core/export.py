"""Mesh files for other programs: .glb, .ply and .obj, all in one frame and with colours that survive the journey.

The frame is Result's: metres, Y up, facing +Z, origin at the neck joint. glTF prescribes it, and importers of OBJ expect it
(Blender's turns it to Z up); PLY has no convention, so it is the same there. The colour's encoding is each format's own: linear in glTF
(specification 2.0, section 3.7.2.1), sRGB bytes in PLY, sRGB fractions after the position in OBJ (a common extension of `v`).
"""

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from trimesh.exchange.gltf import export_glb
from trimesh.exchange.obj import export_obj
from trimesh.exchange.ply import export_ply
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from .errors import InputError
from .photo.srgb import srgb_to_linear
from .result import Result

_OBSERVED = "_OBSERVED"
_COLOUR = "_COLOR_0"  # trimesh writes attributes of any type only under names that start with an underscore


def write_mesh(result: Result, path: Path) -> None:
    """Write a result's surface with normals, colours and, but for OBJ, which has no room for it, the `observed` attribute.

    The suffix says which format. Raises InputError when the suffix is none of .glb, .ply, .obj, or the file cannot be written.
    """
    writers = {".glb": _glb, ".ply": _ply, ".obj": _obj}
    if path.suffix.lower() not in writers:
        raise InputError(f"{path.name} has an unknown mesh format; end its name with {', '.join(writers)}.")
    data = writers[path.suffix.lower()](result)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"Could not write {path} ({error.strerror}); choose a folder you may write to with enough space.") from error


def _mesh(result: Result, **options: Any) -> trimesh.Trimesh:
    surface = result.surface
    return trimesh.Trimesh(surface.vertices, surface.faces, vertex_normals=surface.normals, process=False, validate=False, **options)


def _bytes(colours: np.ndarray) -> np.ndarray:
    return np.round(np.clip(colours, 0, 1) * 255).astype(np.uint8)


def _glb(result: Result) -> bytes:
    material = PBRMaterial(name=result.name, baseColorFactor=[255, 255, 255, 255], metallicFactor=0.0, roughnessFactor=0.6)
    mesh = _mesh(result, visual=TextureVisuals(material=material))
    mesh.vertex_attributes[_COLOUR] = srgb_to_linear(np.clip(result.surface.colours, 0, 1))
    mesh.vertex_attributes[_OBSERVED] = result.surface.observed.astype(np.float32)

    def name_colours(tree: dict[str, Any]) -> None:
        for part in tree["meshes"]:
            for primitive in part["primitives"]:
                primitive["attributes"]["COLOR_0"] = primitive["attributes"].pop(_COLOUR)

    scene = trimesh.Scene({result.name: mesh})
    return export_glb(scene, include_normals=True, tree_postprocessor=name_colours)


def _ply(result: Result) -> bytes:
    mesh = _mesh(result, vertex_colors=_bytes(result.surface.colours))
    mesh.vertex_attributes["observed"] = result.surface.observed.astype(np.float32)
    return export_ply(mesh, vertex_normal=True)


def _obj(result: Result) -> bytes:
    mesh = _mesh(result, vertex_colors=_bytes(result.surface.colours))
    return export_obj(mesh, include_normals=True, digits=6, header="Likeness").encode()
