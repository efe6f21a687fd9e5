"""Options that every command that makes a head has, and the Settings in them."""

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..core.settings import FORMATS, Settings, is_in_use
from .output import REPORT


def add_command(commands: Any, name: str, help: str) -> argparse.ArgumentParser:
    """A sub-command whose help shows the defaults."""
    command = commands.add_parser(name, help=help, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    command.add_argument("--verbose", action="store_true", help="show the log, and tracebacks of unexpected failures")
    command.add_argument("--overwrite", action="store_true", help="replace files in the output folder that Likeness has not written, too")
    return command


def add_head_options(command: argparse.ArgumentParser, **fixed: Any) -> None:
    """What a reconstruction needs; `fixed` settings are no options."""
    command.add_argument("--formats", type=_formats, default="blend,glb", help=f"separated by commas: {', '.join(FORMATS)}")
    command.set_defaults(**fixed)
    for option in fields(Settings):
        metadata, flag = option.metadata, _flag(option.name)
        if option.name in fixed:
            continue
        if isinstance(option.default, bool):
            command.add_argument(flag, action=argparse.BooleanOptionalAction, default=option.default, help=metadata["help"])
            continue
        command.add_argument(
            flag,
            type=type(option.default),
            choices=metadata["choices"] or None,
            default=option.default,
            help=metadata["help"],
            metavar="FILE" if metadata["is_file"] else None,
        )
    command.add_argument(
        "--report", metavar="FILE", type=Path, default=REPORT, help="measures and settings as JSON; a bare name lies beside the head"
    )
    command.add_argument("--blender", metavar="PROGRAM", type=Path, help="Blender that writes .blend files; by default looked for")


def settings_of(options: argparse.Namespace) -> Settings:
    """Raises InputError for a value outside its limits, or one that would change nothing."""
    settings = Settings(**{option.name: getattr(options, option.name) for option in fields(Settings)})
    for option in fields(Settings):
        if getattr(settings, option.name) != option.default and not is_in_use(option.name, settings):
            needed = next(one for one in fields(Settings) if one.name == option.metadata["needs"])
            example = (
                "" if isinstance(needed.default, bool) else " " + next(one for one in needed.metadata["choices"] if one != needed.default)
            )
            raise InputError(f"{_flag(option.name)} needs {_flag(needed.name)}{example}; add it.")
    return settings


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")


def _formats(text: str) -> list[str]:
    wanted = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [part for part in wanted if part not in FORMATS]
    if unknown or not wanted:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {', '.join(FORMATS)}")
    return wanted
