"""Photos that Blender cannot show, as PNG files made by the worker's Python: `as_png` in Blender, this module as a program there.

python -I launch.py likeness.worker.picture PHOTO PNG
"""

import subprocess
import sys
from pathlib import Path

from ..core.errors import InputError, LikenessError, WorkerError
from . import process

_LAUNCH = Path(__file__).absolute().parent / "launch.py"
_LIMIT = 60.0  # seconds: Python and its libraries from a slow disk, and a photo of 100 megapixels


def as_png(python: Path, photo: Path, folder: Path) -> tuple[Path, list[str]]:
    """The photo upright and in sRGB as a PNG file in `folder`, with its focal length, and what the user should know. Blocks for a second.

    Raises InputError, whose sentence is that of core.photo.decode, or WorkerError.
    """
    made = folder / f"{photo.stem}.png"
    command = [str(python), "-I", str(_LAUNCH), "likeness.worker.picture", str(photo), str(made)]
    try:
        child = process.start(command, subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE)
    except OSError as error:
        raise WorkerError(f"{python} cannot be started ({error.strerror}); set up the Python environment again.") from error
    try:
        notes, words = (text.decode("utf-8", "replace").splitlines() for text in child.communicate(timeout=_LIMIT))
    except subprocess.TimeoutExpired as error:
        process.kill_tree(child)
        raise InputError(f"{photo.name} could not be read within {_LIMIT:.0f} s; save it as JPEG or PNG.") from error
    if child.returncode == InputError.exit_code and words:
        raise InputError(words[-1])
    if child.returncode or not made.is_file():
        last = words[-1] if words else f"exit code {child.returncode}"
        raise WorkerError(f"{photo.name} could not be read ({last[:200]}); save it as JPEG or PNG.")
    return made, notes


def main() -> int:
    """Convert one photo: remarks on standard output, what is wrong on standard error."""
    from ..core.photo.decode import read_photo

    try:
        photo = read_photo(sys.argv[1])
        photo.save(Path(sys.argv[2]))
    except LikenessError as error:
        sys.stderr.buffer.write(f"{error}\n".encode())
        return error.exit_code
    sys.stdout.buffer.write("".join(f"{note}\n" for note in photo.warnings).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
