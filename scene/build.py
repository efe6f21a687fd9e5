"""Turns a Result into what the artist finds in the scene: one collection with the coloured meshes, the photos' cameras, perhaps a rig."""

import json
from typing import Any

import bpy
import numpy as np

from ..core.errors import AssetError
from ..core.result import HAIR, SURFACE, Mesh, Result
from ..core.settings import BONE_NAMES
from .anatomy import add_anatomy
from .armature import bone_ends
from .body_rig import build_body_rig, put_head_on
from .bone_names import name_bones
from .camera import build_camera, use_camera
from .compat import shader_nodes
from .frame import HEAD_TO_BLENDER
from .members import keep_members
from .mesh import new_mesh
from .photo import pack_picture
from .reconstructed import adopt_reconstructed
from .rig import build_rig, carry_hair, head_of
from .typed import attribute_data, mesh_of, scene_of, set_input, view_layer_of
from .views import is_sound, keep_views

COLOUR_ATTRIBUTE = "Colour"
OBSERVED_ATTRIBUTE = "observed"
PROPERTY_PREFIX = "likeness_"
CAMERA, COUNTS, REPORT = PROPERTY_PREFIX + "camera", PROPERTY_PREFIX + "counts", PROPERTY_PREFIX + "report"
"""Custom properties of every mesh: the first photo's camera, how many vertices and faces it was made with, and the report as JSON;
source.py reads them."""
_APART = 1.2  # metres
_BESIDE = 0.4  # metres from the surface to what else was made of it


def build_result(context: bpy.types.Context, result: Result) -> bpy.types.Collection:
    """A new collection, named after the result, with an object for each mesh and a camera for each view; the surface, named after the
    result too, becomes the active object in object mode.

    A result with a rigged head gives that one too, active and in the photo's pose, and hides the surface at the same place. A body's
    surface gets an armature and its parts as vertex groups, and stays active; a rigged head stands on it in place of its own.
    A scene without a camera gets the first photo's, and its render size; any other keeps its own. Existing data is never overwritten:
    Blender numbers equal names.
    Raises AssetError, before anything is made, when the result's arrays do not fit together.
    """
    _check(result)
    collection = bpy.data.collections.new(result.name)
    photos = [pack_picture(result.name, view.photo) for view in result.views]
    cameras = [build_camera(result.name, view, photo) for view, photo in zip(result.views, photos, strict=True)]
    meshes = {}
    for kind, mesh in result.meshes.items():
        name = result.name if kind == SURFACE else f"{result.name} {kind}"
        meshes[kind] = bpy.data.objects.new(name, build_mesh(name, mesh))
        meshes[kind].location.x = 0 if kind in (SURFACE, HAIR) else _BESIDE
        _describe(meshes[kind], result, cameras[0])
    head = meshes[SURFACE]
    keep_views(head, result.views, photos)
    if result.anatomy is not None:
        add_anatomy(head, result.anatomy)
    for item in (*meshes.values(), *cameras):
        collection.objects.link(item)
    scene, layer = scene_of(context), view_layer_of(context)
    scene.collection.children.link(collection)
    if scene.camera is None:
        use_camera(scene, cameras[0])
    if result.body is not None:
        armature = build_body_rig(context, result.body, result.name, head, collection)
        if result.rigged is not None and result.body.head_place is not None:
            face = build_rig(context, result.rigged, f"{result.name} Face", collection)
            if HAIR in meshes:
                carry_hair(face, meshes[HAIR])
            put_head_on(armature, face, result.body.head_place)
            name_bones(face, _bone_names(result))
    elif result.rigged is not None:
        armature = build_rig(context, result.rigged, result.name, collection)
        if HAIR in meshes:
            carry_hair(armature, meshes[HAIR])
        adopt_reconstructed(layer, armature, head)
        made = head_of(armature)
        assert made is not None
        head = made
        _describe(head, result, cameras[0])
        name_bones(armature, _bone_names(result))
        if "flame" in result.report:
            head[PROPERTY_PREFIX + "flame"] = json.dumps(result.report["flame"], sort_keys=True, allow_nan=False)
    keep_members(collection, collection.all_objects)
    if context.mode == "OBJECT":
        for item in context.selected_objects:
            item.select_set(False)
        head.select_set(True)
        layer.objects.active = head
    return collection


def move_aside(collection: bpy.types.Collection, number: int) -> None:
    """Put a new result, camera and all, so many places to the side, where it does not stand in another one of the same photo."""
    for item in collection.objects:
        if item.parent is None:
            item.location.x += number * _APART


def build_mesh(name: str, arrays: Mesh) -> bpy.types.Mesh:
    """A result's mesh as a new smooth-shaded one in the Blender frame, with its colour and `observed` attributes and one material, all
    called `name`."""
    mesh = new_mesh(name, arrays.vertices @ HEAD_TO_BLENDER.T, arrays.faces)
    set_colours(mesh, arrays.colours, arrays.observed)
    mesh.materials.append(build_material(name, arrays.colours.mean(0)))
    return mesh


def set_colours(mesh: bpy.types.Mesh, colours: np.ndarray, observed: np.ndarray) -> None:
    """Add colours (V, 3) sRGB in [0, 1] and observed (V,) to a mesh as attributes of the vertices."""
    values = np.ones((len(colours), 4), np.float32)
    values[:, :3] = colours
    attribute = mesh.color_attributes.new(COLOUR_ATTRIBUTE, "BYTE_COLOR", "POINT")
    attribute_data(mesh, attribute.name).foreach_set("color_srgb", values.ravel())
    index = mesh.color_attributes.find(attribute.name)
    mesh.color_attributes.active_color_index = mesh.color_attributes.render_color_index = index
    seen = mesh.attributes.new(OBSERVED_ATTRIBUTE, "FLOAT", "POINT")
    attribute_data(mesh, seen.name).foreach_set("value", np.ascontiguousarray(observed, np.float32))


def build_material(name: str, mean: np.ndarray | None = None) -> bpy.types.Material:
    """A new material in the colours of the vertices. mean (3,): sRGB, in which a Solid view shows it as long as it does not show those."""
    material = bpy.data.materials.new(name)
    if mean is not None:
        material.diffuse_color = (*np.where(mean <= 0.04045, mean / 12.92, ((mean + 0.055) / 1.055) ** 2.4).tolist(), 1.0)
    tree = shader_nodes(material)
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    set_input(shader, "Roughness", 0.6)
    colour: Any = tree.nodes.new("ShaderNodeVertexColor")
    colour.layer_name = COLOUR_ATTRIBUTE
    colour.location = (shader.location.x - 220, shader.location.y)
    tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])
    return material


def _describe(head: bpy.types.Object, result: Result, camera: bpy.types.Object) -> None:
    """Where the head came from, as strict JSON: enough to repeat the run; and what tells later whether it is still the same."""
    for key in ("version", "settings", "weights"):
        head[PROPERTY_PREFIX + key] = json.dumps(result.report.get(key), sort_keys=True, allow_nan=False)
    head[REPORT] = json.dumps(result.report, sort_keys=True, allow_nan=False)
    head[CAMERA] = camera
    mesh = mesh_of(head)
    head[COUNTS] = [len(mesh.vertices), len(mesh.polygons)]


def _bone_names(result: Result) -> str:
    """One of BONE_NAMES; reports come from anywhere."""
    settings = result.report.get("settings")
    wanted = settings.get("bones") if isinstance(settings, dict) else None
    return wanted if wanted in BONE_NAMES else BONE_NAMES[0]


def _check(result: Result) -> None:
    damaged = AssetError(f"The result for {result.name} is damaged; reconstruct it again.")
    if not result.views or not all(is_sound(view.camera, view.pose) and view.photo.shape[2:] == (3,) for view in result.views):
        raise damaged
    for mesh in result.meshes.values():
        count = len(mesh.vertices)
        fits = mesh.vertices.shape == mesh.colours.shape == (count, 3) and mesh.observed.shape == (count,) and mesh.faces.shape[1:] == (3,)
        # Blender does not check vertex indices: a bad one is a crash.
        if not fits or count == 0 or mesh.faces.min(initial=0) < 0 or mesh.faces.max(initial=0) >= count:
            raise damaged
        if not all(np.isfinite(values).all() for values in (mesh.vertices, mesh.colours, mesh.observed)):
            raise AssetError(f"The result for {result.name} holds values that are not numbers; reconstruct it again.")
    count = len(result.surface.vertices)
    if (result.body is not None and len(result.body.bound_joints) != count) or (
        result.anatomy is not None and result.anatomy.parts.shape[1] != count
    ):
        raise damaged
    if result.rigged is not None:
        bone_ends(result.rigged)
