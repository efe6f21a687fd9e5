"""The program: `likeness reconstruct PHOTO [PHOTO...] --output DIR`, `likeness animate VIDEO --output DIR`, `likeness evaluate`.

Exit codes: 0 done, 2 bad input, 3 failed, 130 stopped; of several photos the worst counts. The files of a result appear together or
not at all.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .console import Console


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code. Raises SystemExit for arguments that cannot be parsed, and after help."""
    console = None
    try:
        # Imported here and not above: Ctrl-C shows a traceback until `main` has begun, so that has to be at once.
        from .console import Console
        from .signals import interruptible

        console = Console()
        with interruptible():
            return _run(arguments, console)
    except KeyboardInterrupt:
        if console is not None:
            console.sentence("Cancelled; no incomplete file was left behind.")
        return 130
    finally:
        if console is not None:
            console.flush()


def _run(arguments: Sequence[str] | None, console: "Console") -> int:
    import logging

    from ..core.errors import LikenessError
    from .parser import build_parser

    options = build_parser().parse_args(arguments)
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    else:
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        return options.run(options, console)
    except LikenessError as error:
        console.sentence(error)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
