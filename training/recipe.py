"""What to train and for how long: TOML files in recipes/, those of other papers' networks in ancestors/."""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from ..core.networks.colour import ColourConfig
from ..core.networks.config import CONFIGURATIONS, FieldConfig
from .losses import FieldWeights

METRES = {"head": 0.4, "body": 2.0}
"""About as much as a crop of a subject shows from side to side."""
FOLDERS = tuple(Path(__file__).parent / name for name in ("recipes", "recipes/ablations", "ancestors"))
NETWORKS = ("normal", "normal_features", "parameters", "field", "colour", "pifu")


@dataclass(frozen=True)
class Recipe:
    """network: one of NETWORKS; `normal_features` reads the parsing network's features too; `pifu` is PIFu at the paper's width
    (core/networks/reference.py).

    name: of the files that are written, the recipe's own by default; the bundled field is `field`.
    config: the field's configuration before `overrides`; a colour network's are those of ColourConfig. batch: samples a step and
    process. points: in space a sample, half as many on the surface. reuse: steps that a field's photograph of a stored sample serves, with
    other points each time. precision: `bf16` or `fp32`. compile: let torch compile the
    encoders. validate_minutes: between validations.
    In TOML, `extends` names a recipe in the same folder to begin with, and values under [cuda] hold on a GPU only.
    """

    name: str
    network: str
    minutes: float
    steps: int
    batch: int
    points: int = 0
    reuse: int = 1
    config: FieldConfig = field(default_factory=FieldConfig)
    loss: FieldWeights = field(default_factory=FieldWeights)
    learning_rate: float = 1e-3
    ema: float = 0.995
    seed: int = 1
    precision: str = "bf16"
    compile: bool = False
    validate_minutes: float = 4.0

    @classmethod
    def read(cls, path: Path, device: str = "cpu") -> Self:
        """Raises ValueError for unknown keys and values that do not fit, and OSError."""
        values = _merged(path, device)
        config = values.pop("config", "likeness")
        if config not in CONFIGURATIONS:
            raise ValueError(f"{path} names no configuration of {', '.join(CONFIGURATIONS)}: {config}")
        if values.get("network") not in NETWORKS:
            raise ValueError(f"{path} must name a network: {', '.join(NETWORKS)}")
        unknown = set(values) - {f.name for f in fields(cls)} - {"overrides"}
        unknown |= set(values.get("loss", {})) - {f.name for f in fields(FieldWeights)}
        if unknown:
            raise ValueError(f"{path} has unknown keys: {', '.join(sorted(unknown))}")
        overrides = values.pop("overrides", {})
        if values["network"] == "colour":
            whole: FieldConfig = ColourConfig.from_values(overrides)
        else:
            whole = FieldConfig.from_values(overrides, CONFIGURATIONS[config])
        arguments: dict[str, Any] = {"name": path.stem} | values | {"config": whole, "loss": FieldWeights(**values.get("loss", {}))}
        return cls(**arguments)

    def shortened(self, minutes: float | None) -> Self:
        """With another budget, if one is given."""
        return self if minutes is None else replace(self, minutes=minutes)


def find(name: str) -> Path:
    """A recipe's file from its path or, for those that come with the program, its name. Raises FileNotFoundError."""
    for path in (Path(name), *(folder / f"{name}.toml" for folder in FOLDERS)):
        if path.is_file():
            return path
    known = sorted(path.stem for folder in FOLDERS for path in folder.glob("*.toml"))
    raise FileNotFoundError(f"There is no recipe {name}; there are {', '.join(known)}.")


def _merged(path: Path, device: str) -> dict[str, Any]:
    values = tomllib.loads(path.read_text())
    accelerated = values.pop("cuda", {})
    parent = values.pop("extends", None)
    if device.startswith("cuda"):
        values = _over(values, accelerated)
    return _over(_merged(path.parent / parent, device) | {"name": path.stem}, values) if parent else values


def _over(values: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Values replaced by `extra`, tables entry by entry."""
    tables = {name: values.get(name, {}) | extra[name] for name in extra if isinstance(extra[name], dict)}
    return values | extra | tables
