"""The configuration of a field's network. The published networks that it descends from are configurations of it too."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

METADATA_KEY = "likeness-config"
"""Under this name a weights file tells its configuration, as JSON."""
STRIDES = (2, 4, 8)
SUBJECTS = ("head", "body")
_FORMER_NAMES = {f"code_{part}": f"correspondence_{part}" for part in ("in", "out", "octaves")}  # those in weights files of before


@dataclass(frozen=True)
class FieldConfig:
    """The parts of an `ImplicitField`.

    widths: channels of the image encoder at strides 2 to 32. scales: strides whose features a point reads; none is a field without image.
    normals, maps: what the encoder sees beside photo and matte (predicted normals, the fitted model's rendered maps).
    pixels: read photo and normals at the point's own pixel too.
    prior: features of the nearest point of the fitted surface. gate: where that faces away, only the coarsest scale is read.
    volume: cells a side of a grid over the crop cube, filled from the fitted surface; 0 is none. volume_channels: features it hands out.
    fusion: `concatenate`, or `mlp` (image and space are embedded apart first, all three parts are supervised).
    correspondence_in: the semantic correspondence that a point is given: `none`, `given` (the fitted model's, fading with distance) or
    `predicted` (by a head of its own). correspondence_out: predict it too.
    output: `occupancy`, `distance`, or `residual` (a correction of the fitted model's signed distance).
    depth_octaves, correspondence_octaves: positional encoding; 0 is none.
    subject: whose fitted model it reads, `head` or `body`: their canonical coordinates and their crops' sizes differ.
    Raises ValueError for parts that do not fit together.
    """

    widths: tuple[int, ...] = (24, 48, 96, 128, 160)
    scales: tuple[int, ...] = STRIDES
    normals: bool = True
    maps: bool = True
    pixels: bool = True
    prior: bool = True
    gate: bool = True
    volume: int = 0
    volume_channels: int = 16
    fusion: str = "concatenate"
    correspondence_in: str = "none"
    correspondence_out: bool = False
    output: str = "residual"
    depth_octaves: int = 4
    correspondence_octaves: int = 3
    subject: str = "head"

    def __post_init__(self) -> None:
        for name, choices in (
            ("fusion", ("concatenate", "mlp")),
            ("correspondence_in", ("none", "given", "predicted")),
            ("output", ("occupancy", "distance", "residual")),
            ("subject", SUBJECTS),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        if len(self.widths) != 5 or not all(1 <= width <= 1024 for width in self.widths):
            raise ValueError("widths must be five numbers of channels between 1 and 1024")
        if list(self.scales) != [stride for stride in STRIDES if stride in self.scales]:
            raise ValueError(f"scales must be some of {STRIDES}, in this order")
        if self.volume not in (0, 16, 32, 64) or not 8 <= self.volume_channels <= 128 or self.volume_channels % 8:
            raise ValueError("volume must be 0, 16, 32 or 64 cells, with a multiple of 8 channels up to 128")
        if not (0 <= self.depth_octaves <= 12 and 0 <= self.correspondence_octaves <= 12):
            raise ValueError("octaves must be between 0 and 12")
        if not (self.scales or self.volume):
            raise ValueError("a field needs an image, a volume or both")
        if not self.scales and (self.normals or self.maps or self.pixels or self.gate):
            raise ValueError("a field without image has no use for normals, maps, pixels or a gate")
        if self.gate and not self.prior:
            raise ValueError("the facing gate needs the prior's features")
        if self.fusion == "mlp" and not (self.scales and (self.volume or self.prior)):
            raise ValueError("fusion mlp needs an image and either a volume or the prior's features")

    @property
    def reads_fit(self) -> bool:
        """Whether point features of the fitted surface are needed."""
        return self.prior or self.correspondence_in == "given" or self.output == "residual"

    def to_json(self) -> str:
        """For a weights file's metadata."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ValueError when the text is no configuration of this version."""
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("a configuration is a JSON object")
        return cls.from_values({_FORMER_NAMES.get(str(name), str(name)): value for name, value in values.items()})

    @classmethod
    def from_values(cls, values: dict[str, Any], base: "FieldConfig | None" = None) -> Self:
        """From plain values (lists for tuples); what is not named stays as in `base`. Raises ValueError."""
        whole = asdict(base or cls())
        for name, value in values.items():
            if name not in whole:
                raise ValueError(f"a field's configuration has no {name}")
            if isinstance(value, list):
                value = tuple(value)
            numbers = isinstance(value, tuple) and all(type(number) is int for number in value)
            if type(value) is not type(whole[name]) or (isinstance(value, tuple) and not numbers):
                raise ValueError(f"{name} of a field's configuration cannot be {value!r}")
            whole[name] = value
        return cls(**{f.name: whole[f.name] for f in fields(cls)})


LIKENESS = FieldConfig()
"""Configuration of the bundled weights."""
_PLAIN: dict[str, Any] = {
    "normals": False,
    "maps": False,
    "pixels": False,
    "prior": False,
    "gate": False,
    "depth_octaves": 0,
    "correspondence_octaves": 0,
}
_NORMALS: dict[str, Any] = _PLAIN | {"normals": True}
CONFIGURATIONS: dict[str, FieldConfig] = {
    "pifu": FieldConfig(**_PLAIN, widths=(24, 96, 128, 128, 160), scales=(4,), output="occupancy"),
    "multiscale": FieldConfig(**_PLAIN, output="occupancy"),
    "jiff": FieldConfig(**_PLAIN, widths=(24, 96, 128, 128, 160), scales=(4,), volume=32, fusion="mlp", output="occupancy"),
    "seif": FieldConfig(
        **_NORMALS,
        widths=(24, 96, 128, 128, 160),
        scales=(4,),
        correspondence_in="given",
        correspondence_out=True,
        output="occupancy",
    ),
    "likeness": LIKENESS,
}
"""Saito et al. 2019 (PIFu); Li, Oskarsson & Heyden 2020 (multiscale); Cao et al. 2022 (JIFF); SeIF 2024; ours. Compact sizes."""
