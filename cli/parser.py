"""All commands and their options. Blender's own command line shares them, so nothing here needs more than numpy."""

import argparse
from typing import NoReturn

from ..core.errors import InputError
from ..core.version import VERSION
from .animate import add_animate
from .batch.command import add_batch
from .batch.watch import add_watch
from .evaluate import add_evaluate
from .reconstruct import add_reconstruct


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence instead of the usage."""
        self.exit(InputError.exit_code, f"{message[:1].upper()}{message[1:].rstrip('.')}; see {self.prog} --help.\n")


def build_parser(prog: str = "likeness") -> argparse.ArgumentParser:
    """What it parses has `run(options, console) -> exit code`, which raises LikenessError for what is wrong from the beginning."""
    parser = _Parser(prog=prog, description="One photo of a person in, a coloured 3D head or clothed body out.")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    add_reconstruct(commands)
    add_batch(commands)
    add_watch(commands)
    add_animate(commands)
    add_evaluate(commands)
    return parser
