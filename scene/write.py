"""Writes a result as files that only Blender can write, from any Python that has bpy or from Blender itself.

python -m likeness.scene.write RESULT.npz HEAD.blend [HEAD.glb] [HEAD.fbx] [--performance FACE.npz] [--with-input]
blender --background --factory-startup --python worker/launch.py -- likeness.scene.write RESULT.npz HEAD.blend
"""

import argparse
import contextlib
import logging
import math
import os
import select
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy

from ..core.animation.performance import Performance
from ..core.errors import Cancelled, InputError, LikenessError, ReconstructionError
from ..core.result import Result
from .animation import animate
from .body_rig import body_rig_of
from .build import build_result
from .compat import shader_nodes
from .rig import rig_of
from .rig_export import RIG_SUFFIXES, export_rig
from .typed import scene_of, set_input

_SELECTS = sys.platform != "win32"  # Windows waits for sockets only

logger = logging.getLogger(__name__)


def write_files(result_path: Path, paths: Sequence[Path], performance_path: Path | None = None) -> None:
    """Files of nothing but the result; replaces the open file. .blend: the whole scene, photo packed; .glb and .fbx: the rigged head, or
    the body with its armature.

    With a performance the rigged head plays it from frame 1 on, at its own rate.
    Raises AssetError for a damaged result, InputError for another suffix or when .glb or .fbx are asked of a result without a rig,
    ReconstructionError when a file cannot be saved.
    """
    result = Result.load(result_path)
    if unknown := [path for path in paths if path.suffix.lower() not in (".blend", *RIG_SUFFIXES)]:
        raise InputError(f"{unknown[0].name} has an unknown format; end its name with .blend, {' or '.join(RIG_SUFFIXES)}.")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene_of(bpy.context).world = _even_light()
    build_result(bpy.context, result)
    armature = rig_of(bpy.context.object) or body_rig_of(bpy.context.object)
    if performance_path is not None and armature is not None and result.rigged is not None:
        play(scene_of(bpy.context), armature, Performance.load(performance_path))
    for path in (path.resolve() for path in paths):
        if path.suffix.lower() != ".blend":
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
    parser.add_argument("result", type=Path, help="result of a reconstruction (.npz)")
    parser.add_argument("files", nargs="+", type=Path, help="files to write: .blend, and .glb or .fbx of a rigged head")
    parser.add_argument("--performance", type=Path, help="what the rigged head plays (.npz)")
    parser.add_argument("--with-input", action="store_true", help="end as soon as standard input does: its writer is gone")
    options = parser.parse_args(arguments)
    try:
        with _ending_with_input() if options.with_input else contextlib.nullcontext():
            write_files(options.result, options.files, options.performance)
    except LikenessError as error:
        logger.error(error)
        return error.exit_code
    return 0


@contextlib.contextmanager
def _ending_with_input() -> Iterator[None]:
    """A process that was killed cannot end the ones that it began, but its end of their pipe closes on every system.

    The thread that reads ends with the work: Blender as a module waits for ever at its own end beside another thread.
    """
    done = threading.Event()
    reader = threading.Thread(target=_read_to_the_end, args=(done,), daemon=True)
    reader.start()
    try:
        yield
    finally:
        done.set()
        if _SELECTS:
            reader.join()


def _read_to_the_end(done: threading.Event) -> None:
    while not done.is_set():
        # not sys.stdin, whose lock would keep the interpreter from ending
        if (not _SELECTS or select.select([0], [], [], 0.1)[0]) and not os.read(0, 4096):
            os._exit(Cancelled.exit_code)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    code = main(sys.argv[1:])
    if not _SELECTS:
        os._exit(code)  # the reader still waits
    sys.exit(code)
