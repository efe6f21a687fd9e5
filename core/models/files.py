"""Reading the files of parametric models."""

from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import WHOLE, ArrayError, Schema
from ..errors import AssetError


def read_model(path: Path, schema: Schema, noun: str) -> dict[str, Any]:
    """The arrays of a model's file, whole numbers as int64, as torch indexes. noun: what the file is, such as "head model".

    Raises AssetError when it is missing, damaged or of another layout."""
    try:
        arrays, _ = schema.load(path)
    except ArrayError as error:
        if not path.is_file():
            raise AssetError(f"{path.name} is missing; reinstall the extension.") from error
        what = f"of another version: its array '{error}' does not fit" if str(error) else f"damaged or not a {noun}"
        raise AssetError(f"{path.name} is {what}; reinstall the extension.") from error
    whole = lambda name: schema.arrays[name].kind == WHOLE and arrays[name] is not None  # noqa: E731
    return {name: values.astype(np.int64) if whole(name) else values for name, values in arrays.items()}
