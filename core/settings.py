"""The one definition of every option: command-line flags, Blender properties, batch manifests and object metadata are generated from it."""

import dataclasses
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .errors import InputError

SUBJECTS = ("auto", "head", "body")
QUALITIES = ("draft", "standard", "high")
GRID_RESOLUTION = {"draft": 128, "standard": 256, "high": 512}
DEVICES = ("auto", "cpu", "cuda", "mps")
DETECTORS = ("mediapipe", "face-alignment")
CUTS = ("bust", "collar", "neck", "none")
BONE_NAMES = ("likeness", "rigify", "game")
RIG_DETAILS = ("full", "half", "quarter")
TEXTURES = ("1024", "2048", "4096")
PRINT_FORMATS = ("3mf", "stl")
BLENDER_FORMATS = ("blend", "fbx", "usdz")
"""Those that only Blender writes; .glb of anything with joints too."""
FORMATS = ("blend", "glb", "fbx", "usdz", "ply", "obj", *PRINT_FORMATS)
MAX_PEOPLE = 64
"""Results of one photo at most, with all_subjects."""
_DAVID = "https://github.com/microsoft/DAViD"
_RETIRED = ("seed",)  # changed nothing: every run is repeatable


def _option(default: Any, label: str, help: str, choices: tuple[str, ...] = (), **more: Any) -> Any:
    metadata = {"label": label, "help": help, "choices": choices, "low": None, "high": None, "is_file": False, "needs": "", "page": ""}
    return dataclasses.field(default=default, metadata=metadata | more)


@dataclass(frozen=True)
class Settings:
    """One reconstruction's options. Metadata of each field: label, help (no final full stop), choices, low and high (smallest and largest
    value), is_file (a path), needs (the option that must differ from its default, else this one changes nothing), page (where on the web
    there are such files)."""

    quality: str = _option("standard", "Quality", "Detail of the surface: 128, 256 or 512 cells a side", QUALITIES)
    subject: str = _option("auto", "Subject", "What to make of the person; auto: the body if the photo shows hips and knees", SUBJECTS)
    subject_index: int = _option(-1, "Person", "Which person, counted from the left from 0; -1 takes the largest", low=-1)
    all_subjects: bool = _option(False, "All People", "Make a result of each person in the photo, whichever is chosen")
    height: float = _option(1.7, "Height", "Metres from head to foot of a body, which no photo tells", low=0.3, high=3.0)
    cut: str = _option("bust", "Cut", "Where a head ends below; none: where the photo's square or its cube does", CUTS)
    print_height: float = _option(120.0, "Print Height", "Millimetres from the base to the top of a 3D print", low=10.0, high=3000.0)
    print_wall: float = _option(0.0, "Print Walls", "Millimetres of the walls of a hollow 3D print; 0 makes it solid", low=0.0, high=50.0)
    plinth: bool = _option(False, "Plinth", "Stand a 3D print on a disc")
    focal: float = _option(0.0, "Focal Length", "Millimetres on 35 mm film; 0 takes what the photo's EXIF says", low=0.0, high=1200.0)
    eye_distance: float = _option(0.063, "Eye Distance", "Metres between the pupils of a head, which no photo tells", low=0.01, high=1.0)
    crop_left: float = _option(0.0, "Crop Left", "Share of the photo's width from which on it is used", low=0.0, high=1.0)
    crop_right: float = _option(1.0, "Right", "Share of the photo's width up to which it is used", low=0.0, high=1.0)
    crop_top: float = _option(0.0, "Crop Top", "Share of the photo's height from which on it is used", low=0.0, high=1.0)
    crop_bottom: float = _option(1.0, "Bottom", "Share of the photo's height down to which it is used", low=0.0, high=1.0)
    pins: str = _option("", "Pins File", "Points of the face that you have put where they belong (.json)", is_file=True)
    mask: str = _option("", "Mask Picture", "Your own mask over the photo, in which the person is white", is_file=True)
    detail: float = _option(
        1.0, "Surface Detail", "How far the photo's wrinkles, brows, strands and folds stand out; 0 leaves them flat", low=0.0, high=2.0
    )
    device: str = _option("auto", "Device", "Where the networks run", DEVICES)
    rig: bool = _option(
        False, "Rigged Head", "Also make the head with joints and shape keys, ready to animate; on a body in place of its own"
    )
    rig_detail: str = _option("full", "Rig Detail", "About 5000, 2500 or 1700 quads for the rigged head", RIG_DETAILS, needs="rig")
    bones: str = _option(
        "likeness", "Bone Names", "Names of the head's bones; game: also no bone shapes, and FBX for engines", BONE_NAMES, needs="rig"
    )
    hair: bool = _option(False, "Hair on the Rig", "Also the hair as a shell that the rigged head's bone carries", needs="rig")
    neutral: str = _option(
        "off",
        "Neutral Head",
        "Also the reconstructed head without the photo's pose and expression; symmetric: and alike on both sides",
        ("off", "neutral", "symmetric"),
        needs="rig",
    )
    texture: str = _option("2048", "Texture Size", "Texels along each side of a texture", TEXTURES, needs="rig")
    flame: str = _option("", "FLAME File", "Your FLAME model (.pkl, .npz); the rigged head gets its topology", is_file=True, needs="rig")
    normals: str = _option("", "Normals File", "Your detail network (.onnx) for the surface's normals", is_file=True, page=_DAVID)
    matte: str = _option("", "Matte File", "Your detail network (.onnx) that cuts the person out", is_file=True, page=_DAVID)
    field: str = _option(
        "", "Field File", "Your network of bodies' shapes: PIFu's or PIFuHD's published file, or one that likeness-train made", is_file=True
    )
    detector: str = _option(
        "mediapipe",
        "Detector",
        "What finds the face; face-alignment (a package to be installed) adds a second opinion, and faces that MediaPipe does not find",
        DETECTORS,
    )
    detector_weights: str = _option(
        "",
        "Detector Weights File",
        "File of face-alignment's landmark network (2DFAN4-11f355bf06.pth.tar); empty: where that package keeps it",
        is_file=True,
        needs="detector",
    )

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if type(value) is int and type(option.default) is float:  # as JSON may write it
                value = float(value)
                object.__setattr__(self, option.name, value)
            if type(value) is not type(option.default):
                raise InputError(f"{option.name} must be of type {type(option.default).__name__}, not {value!r}.")
            choices, low, high = (option.metadata[name] for name in ("choices", "low", "high"))
            if choices and value not in choices:
                raise InputError(f"{option.name} must be one of {', '.join(choices)}, not {value!r}.")
            if low is not None and not value >= low:
                raise InputError(f"{option.name} must be at least {low}, not {value!r}.")
            if high is not None and value > high:
                raise InputError(f"{option.name} must be at most {high}, not {value!r}.")

    def files(self) -> list[tuple[str, Path]]:
        """The user's own files that are named: label of the option, path."""
        named = ((option.metadata, getattr(self, option.name)) for option in fields(self) if option.metadata["is_file"])
        return [(metadata["label"], Path(value)) for metadata, value in named if value]

    @property
    def resolution(self) -> int:
        """Cells of the evaluation grid along each side of the crop cube."""
        return GRID_RESOLUTION[self.quality]

    @property
    def texels(self) -> int:
        """Texels along each side of a texture."""
        return int(self.texture)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in reports and manifests."""
        return dataclasses.asdict(self)

    def to_report(self) -> dict[str, Any]:
        """As to_dict, but of paths only the file's name: the user may hand it on."""
        files = {option.name for option in fields(self) if option.metadata["is_file"]}
        return {name: Path(value).name if name in files else value for name, value in self.to_dict().items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Settings":
        """Raises InputError for an unknown option or a bad value; retired options, which older manifests and results have, are left out."""
        values = {name: value for name, value in values.items() if name not in _RETIRED}
        unknown = set(values) - {option.name for option in fields(cls)}
        if unknown:
            raise InputError(f"Unknown option {', '.join(sorted(unknown))}; remove it.")
        return cls(**values)


def is_in_use(option: str, options: Any) -> bool:
    """Whether an option changes anything, of whatever has the options of Settings as attributes: whether the one that it needs is set."""
    defaults = {one.name: one for one in fields(Settings)}
    needed = defaults[option].metadata["needs"]
    return not needed or getattr(options, needed) != defaults[needed].default
