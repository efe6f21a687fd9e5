"""Files for 3D printers: 3MF with a colour for each vertex (core specification 1.3, materials extension 1.2) and binary STL."""

import io
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import trimesh

from .errors import InputError
from .printing import PrintModel

_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
</Types>
"""
_RELATIONS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Target="/3D/3dmodel.model" Id="model" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>
</Relationships>
"""
_MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<model unit="millimeter" xml:lang="en-US" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
 xmlns:m="http://schemas.microsoft.com/3dmanufacturing/material/2015/02">
<metadata name="Title">{title}</metadata>
<metadata name="Application">Likeness</metadata>
<metadata name="Description">{about}</metadata>
<resources>
<m:colorgroup id="1">
{colours}
</m:colorgroup>
<object id="2" type="model" name="{title}" pid="1" pindex="0">
<mesh>
<vertices>
{vertices}
</vertices>
<triangles>
{triangles}
</triangles>
</mesh>
</object>
</resources>
<build>
<item objectid="2"/>
</build>
</model>
"""
_DATE = (1980, 1, 1, 0, 0, 0)  # so that equal models are equal files


def write_print(model: PrintModel, name: str, path: Path) -> None:
    """Write a .3mf with colours, or an .stl, which has room for neither colours nor units: millimetres. Raises InputError."""
    data = _stl(model) if path.suffix.lower() == ".stl" else _3mf(model, name)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"Could not write {path} ({error.strerror}); choose a folder you may write to with enough space.") from error


def _stl(model: PrintModel) -> bytes:
    data: Any = trimesh.Trimesh(model.vertices, model.faces, process=False, validate=False).export(file_type="stl")
    return data


def _3mf(model: PrintModel, name: str) -> bytes:
    levels = np.round(model.colours * 255).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, of_vertex = np.unique(levels, return_inverse=True)
    three = model.faces.tolist()
    properties = of_vertex[model.faces].tolist()
    title = escape(name, {'"': "&quot;"})
    text = _MODEL.format(
        title=title,
        about=escape(model.summary),
        colours="\n".join(f'<m:color color="#{colour:06X}"/>' for colour in colours.tolist()),
        vertices="\n".join(f'<vertex x="{x:.4f}" y="{y:.4f}" z="{z:.4f}"/>' for x, y, z in model.vertices.tolist()),
        triangles="\n".join(
            f'<triangle v1="{a}" v2="{b}" v3="{c}" pid="1" p1="{p}" p2="{q}" p3="{r}"/>'
            for (a, b, c), (p, q, r) in zip(three, properties, strict=True)
        ),
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for inside, content in (("[Content_Types].xml", _TYPES), ("_rels/.rels", _RELATIONS), ("3D/3dmodel.model", text)):
            archive.writestr(zipfile.ZipInfo(inside, _DATE), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
