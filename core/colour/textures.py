"""All the textures that a mesh of the artist's can get from the reconstruction that it lies on."""

from collections.abc import Callable

from ..result import Result
from .bake import bake_mesh
from .relief import bake_relief
from .texels import Progress
from .uv_mesh import COLOUR, DISPLACEMENT, NORMAL, OBSERVED, BakedMaps, Textures, UvMesh


def bake_textures(mesh: UvMesh, result: Result, maps: BakedMaps, progress: Progress | None = None) -> Textures:
    """The wanted maps. Raises InputError for a mesh without a usable UV map or one that lies elsewhere."""
    shown, shaped = {COLOUR, OBSERVED} & set(maps.names), {NORMAL, DISPLACEMENT} & set(maps.names)
    share = 0.5 if shown and shaped else float(bool(shown))
    found = {}
    if shown:
        bounds = mesh.vertices, mesh.faces, mesh.uv, mesh.faces_uv
        colour, observed = bake_mesh(*bounds, result, maps.size, _between(progress, 0, share), margin=maps.margin)
        found |= {COLOUR: colour, OBSERVED: observed}
    if shaped:
        relief = bake_relief(mesh, result.surface, maps.size, maps.cage, maps.margin, _between(progress, share, 1))
        found |= {NORMAL: relief.normal, DISPLACEMENT: relief.displacement}
    return Textures(**{name: picture for name, picture in found.items() if name in maps.names})


def _between(progress: Progress | None, begin: float, end: float) -> Callable[[float], None]:
    """Progress of a part of the work."""
    return lambda share: progress(begin + (end - begin) * share) if progress is not None else None
