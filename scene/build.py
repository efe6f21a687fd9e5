"""Turns a Result into what the artist finds in the scene: one collection with the coloured head, the photo's camera and perhaps a rig."""

import json

import bpy
import numpy as np

from ..core.errors import AssetError
from ..core.result import Result
from .armature import bone_ends
from .camera import PHOTO, build_camera, use_camera
from .compat import shader_nodes
from .frame import HEAD_TO_BLENDER
from .free_form import adopt_free_form
from .mesh import new_mesh
from .photo import pack_picture
from .rig import build_rig, head_of

COLOUR_ATTRIBUTE = "Colour"
OBSERVED_ATTRIBUTE = "observed"
PROPERTY_PREFIX = "likeness_"
VIEW = PROPERTY_PREFIX + "view"
"""Custom property of the free-form head: as JSON how the photo shows it; source.py reads this and the following."""
CAMERA, COUNTS = PROPERTY_PREFIX + "camera", PROPERTY_PREFIX + "counts"
"""Custom properties of both heads: the photo's camera, and how many vertices and faces the mesh was made with."""


def build_result(context: bpy.types.Context, result: Result) -> bpy.types.Collection:
    """A new collection, named after the photo, with the head and its camera; the head becomes the active object in object mode.

    A result with a rigged head gives that one too, active and in the photo's pose, and hides the free-form head at the same place.
    A scene without a camera gets the photo's, and its render size; any other keeps its own. Existing data is never overwritten: Blender
    numbers equal names.
    Raises AssetError, before anything is made, when the result's arrays do not fit together.
    """
    _check(result)
    collection = bpy.data.collections.new(result.name)
    head = bpy.data.objects.new(result.name, build_mesh(result))
    photo = pack_picture(result.name, result.photo)
    camera = build_camera(result, photo)
    _describe(head, result, camera)
    _keep_view(head, result, photo)
    for item in (head, camera):
        collection.objects.link(item)
    context.scene.collection.children.link(collection)
    if context.scene.camera is None:
        use_camera(context.scene, camera)
    if result.rigged is not None:
        armature = build_rig(context, result.rigged, result.name, collection)
        adopt_free_form(context.view_layer, armature, head)
        head = head_of(armature)
        _describe(head, result, camera)
        if "flame" in result.report:
            head[PROPERTY_PREFIX + "flame"] = json.dumps(result.report["flame"], sort_keys=True, allow_nan=False)
    if context.mode == "OBJECT":
        for item in context.selected_objects:
            item.select_set(False)
        head.select_set(True)
        context.view_layer.objects.active = head
    return collection


def build_mesh(result: Result) -> bpy.types.Mesh:
    """The smooth-shaded mesh in the Blender frame with its colour and `observed` attributes and one material."""
    mesh = new_mesh(result.name, result.upright_vertices() @ HEAD_TO_BLENDER.T, result.faces)
    colours = np.ones((len(result.colours), 4), np.float32)
    colours[:, :3] = result.colours
    attribute = mesh.color_attributes.new(COLOUR_ATTRIBUTE, "BYTE_COLOR", "POINT")
    attribute.data.foreach_set("color_srgb", colours.ravel())
    index = mesh.color_attributes.find(attribute.name)
    mesh.color_attributes.active_color_index = mesh.color_attributes.render_color_index = index
    observed = mesh.attributes.new(OBSERVED_ATTRIBUTE, "FLOAT", "POINT")
    observed.data.foreach_set("value", np.ascontiguousarray(result.observed, np.float32))
    mesh.materials.append(_material(result.name))
    return mesh


def _material(name: str) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    tree = shader_nodes(material)
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = 0.6
    colour = tree.nodes.new("ShaderNodeVertexColor")
    colour.layer_name = COLOUR_ATTRIBUTE
    colour.location = (shader.location.x - 220, shader.location.y)
    tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])
    return material


def _describe(head: bpy.types.Object, result: Result, camera: bpy.types.Object) -> None:
    """Where the head came from, as strict JSON: enough to repeat the run; and what tells later whether it is still the same."""
    for key in ("version", "settings", "weights"):
        head[PROPERTY_PREFIX + key] = json.dumps(result.report.get(key), sort_keys=True, allow_nan=False)
    head[PROPERTY_PREFIX + "report"] = json.dumps(result.report, sort_keys=True, allow_nan=False)
    head[CAMERA] = camera
    head[COUNTS] = [len(head.data.vertices), len(head.data.polygons)]


def _keep_view(head: bpy.types.Object, result: Result, photo: bpy.types.Image) -> None:
    """With the mesh and its attributes, all that the result's other arrays say."""
    camera = result.camera
    head[PHOTO] = photo
    head[VIEW] = json.dumps(
        {
            "centre": [float(x) for x in camera.centre],
            "scale": float(camera.scale),
            "distance": float(camera.distance) if np.isfinite(camera.distance) else None,
            "rotation": np.asarray(result.rotation, np.float64).tolist(),
            "neck": np.asarray(result.neck, np.float64).tolist(),
        },
        allow_nan=False,
    )


def _check(result: Result) -> None:
    count = len(result.vertices)
    fits = (
        result.vertices.shape == result.colours.shape == (count, 3)
        and result.observed.shape == (count,)
        and result.faces.ndim == 2
        and result.faces.shape[1] == 3
        and result.photo.ndim == 3
        and result.photo.shape[2] == 3
    )
    # Blender does not check vertex indices: a bad one is a crash.
    if not fits or count == 0 or result.faces.min(initial=0) < 0 or result.faces.max(initial=0) >= count:
        raise AssetError(f"The result for {result.name} is damaged; reconstruct it again.")
    if not (np.isfinite(result.vertices).all() and np.isfinite(result.colours).all() and np.isfinite(result.observed).all()):
        raise AssetError(f"The result for {result.name} holds values that are not numbers; reconstruct it again.")
    if result.rigged is not None:
        bone_ends(result.rigged)
