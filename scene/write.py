"""Writes a result as files that only Blender can write, from any Python that has bpy or from Blender itself.

python -m likeness.scene.write RESULT.npz HEAD.blend [HEAD.glb] [HEAD.fbx] [HEAD.usdz] [--performance FACE.npz]
blender --background --factory-startup --python worker/launch.py -- likeness.scene.write --serve

With --serve, any number of results one after the other: a line of JSON on standard input for each, {"result", "files", "performance"}, and
a line on standard output when it is done, ANSWER followed by {"code", "sentence"}.
"""

import argparse
import json
import logging
import math
import os
import queue
import select
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..core.animation.performance import Performance
from ..core.errors import Cancelled, InputError, LikenessError, ReconstructionError, explain
from ..core.result import Result
from .animation import animate
from .body_rig import body_rig_of, head_rig_on
from .build import build_result
from .colour_view import use_standard_view
from .compat import shader_nodes
from .rig import rig_of
from .rig_export import RIG_SUFFIXES, SURFACE_SUFFIXES, export_rig, export_surface
from .typed import scene_of, set_input

ANSWER = "likeness-written "
_SELECTS = sys.platform != "win32"  # Windows waits for sockets only

logger = logging.getLogger(__name__)


def write_files(result_path: Path, paths: Sequence[Path], performance_path: Path | None = None) -> None:
    """Files of nothing but the result; replaces the open file. .blend: the whole scene, photo packed; .glb, .fbx and USD: the rigged head,
    or the body with its armature and the rigged head on it; .fbx and USD of a result without a rig: the surface.

    With a performance the rigged head plays it from frame 1 on, at its own rate.
    Raises AssetError for a damaged result, InputError for another suffix or when .glb is asked of a result without a rig,
    ReconstructionError when a file cannot be saved.
    """
    result = Result.load(result_path)
    if unknown := [path for path in paths if path.suffix.lower() not in (".blend", *RIG_SUFFIXES)]:
        raise InputError(f"{unknown[0].name} has an unknown format; end its name with one of .blend, {', '.join(RIG_SUFFIXES)}.")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene_of(bpy.context).world = _even_light()
    use_standard_view(scene_of(bpy.context))
    build_result(bpy.context, result)
    made = bpy.context.object
    assert made is not None
    armature, face = body_rig_of(made), rig_of(made)
    if armature is not None:
        face = head_rig_on(armature)
    armature = armature or face
    if performance_path is not None and face is not None:
        play(scene_of(bpy.context), face, Performance.load(performance_path))
    for path in (path.resolve() for path in paths):
        if path.suffix.lower() != ".blend":
            if armature is None and path.suffix.lower() in SURFACE_SUFFIXES:
                export_surface(bpy.context, made, path)
                continue
            if armature is None:
                raise InputError(f"{result.name} has no rig for {path.name}; reconstruct it with a rig.")
            export_rig(bpy.context, armature, path)
            continue
        try:
            bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, check_existing=False)
        except RuntimeError as error:
            raise ReconstructionError(f"{path} cannot be written ({error}); choose another folder.") from error


def _even_light() -> bpy.types.World:
    """A scene without any light renders black; white from everywhere adds no shading of its own."""
    world = bpy.data.worlds.new("World")
    background = next(node for node in shader_nodes(world).nodes if node.type == "BACKGROUND")
    set_input(background, "Color", (1.0, 1.0, 1.0, 1.0))
    return world


def play(scene: bpy.types.Scene, armature: bpy.types.Object, performance: Performance) -> None:
    """The scene gets the performance's frame rate and length."""
    if performance.rate:
        scene.render.fps = max(round(performance.rate), 1)
        scene.render.fps_base = scene.render.fps / performance.rate
    _, last = animate(scene, armature, performance, 1)
    scene.frame_start, scene.frame_end = 1, max(math.ceil(last - 1e-3), 1)
    scene.frame_set(1)


def main(arguments: list[str]) -> int:
    """Exit code: 0 written, otherwise the error's own, with its sentence on standard error."""
    parser = argparse.ArgumentParser(prog="likeness.scene.write", description="Write a reconstruction as files that need Blender")
    parser.add_argument("result", type=Path, nargs="?", help="result of a reconstruction (.npz)")
    parser.add_argument("files", nargs="*", type=Path, help="files to write: .blend, .fbx and .usdz, and .glb of a rigged head")
    parser.add_argument("--performance", type=Path, help="what the rigged head plays (.npz)")
    parser.add_argument("--serve", action="store_true", help="take results from standard input until it ends")
    options = parser.parse_args(arguments)
    if options.serve:
        return _serve()
    if not options.files:
        parser.error("a result and at least one file are needed")
    try:
        write_files(options.result, options.files, options.performance)
    except LikenessError as error:
        logger.error(error)
        return error.exit_code
    return 0


def _serve() -> int:
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_read_lines, args=(lines, busy), daemon=True).start()
    while (line := lines.get()) is not None:
        busy.set()
        answer = {"code": 0, "sentence": ""}
        try:
            _write_requested(json.loads(line))
        except Exception as error:
            known = explain(error, "Writing in Blender")
            if known is not error:
                logger.exception("Writing failed unexpectedly")
            answer = {"code": known.exit_code, "sentence": str(known)}
        busy.clear()
        sys.stdout.write(f"\n{ANSWER}{json.dumps(answer)}\n")
        sys.stdout.flush()
    return 0


def _write_requested(request: dict[str, Any]) -> None:
    performance = request["performance"]
    write_files(Path(request["result"]), [Path(name) for name in request["files"]], Path(performance) if performance else None)


def _read_lines(lines: "queue.SimpleQueue[bytes | None]", busy: threading.Event) -> None:
    """Lines of standard input, then None. A process that was killed cannot end the ones that it began, but its end of their pipe closes
    on every system; this one then ends at once if it is busy."""
    rest = b""
    while True:
        # not sys.stdin, whose lock would keep the interpreter from ending
        if _SELECTS and not select.select([0], [], [], 0.1)[0]:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            break
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            lines.put(line)
    if busy.is_set():
        os._exit(Cancelled.exit_code)
    lines.put(None)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    sys.exit(main(sys.argv[1:]))
