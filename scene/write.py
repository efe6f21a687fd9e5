"""Writes a result as a .blend file, from any Python that has bpy or from Blender itself.

python -m likeness.scene.write RESULT.npz HEAD.blend
blender --background --factory-startup --python worker/launch.py -- likeness.scene.write RESULT.npz HEAD.blend
"""

import argparse
import logging
import sys
from pathlib import Path

import bpy

from ..core.errors import LikenessError, ReconstructionError
from ..core.result import Result
from .build import build_result

logger = logging.getLogger(__name__)


def write_blend(result_path: Path, blend_path: Path) -> None:
    """A .blend with nothing but the result, photo packed; replaces the open file.

    Raises AssetError for a damaged result, ReconstructionError when the file cannot be saved.
    """
    result = Result.load(result_path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    build_result(bpy.context, result)
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(blend_path.resolve()), compress=True, check_existing=False)
    except RuntimeError as error:
        raise ReconstructionError(f"{blend_path} cannot be written ({error}); choose another folder.") from error


def main(arguments: list[str]) -> int:
    """Exit code: 0 written, otherwise the error's own, with its sentence on standard error."""
    parser = argparse.ArgumentParser(prog="likeness.scene.write", description="Write a reconstruction as a .blend file")
    parser.add_argument("result", type=Path, help="result of a reconstruction (.npz)")
    parser.add_argument("blend", type=Path, help="file to write (.blend)")
    options = parser.parse_args(arguments)
    try:
        write_blend(options.result, options.blend)
    except LikenessError as error:
        logger.error(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    sys.exit(main(sys.argv[1:]))
