"""The stages of every long work by the names under which progress is reported: the one list for pipeline, worker and Blender."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """label: the artist's words. share: of a reconstruction's time, roughly; 0 for what is no part of one."""

    label: str
    share: int = 0


STAGES = {
    "start": Stage("Starting the Worker"),
    "load": Stage("Loading the Networks"),
    "photo": Stage("Reading the Photo", 8),
    "fit": Stage("Fitting the Head", 6),
    "normals": Stage("Predicting Relief", 4),
    "field": Stage("Predicting Shape", 12),
    "surface": Stage("Extracting the Surface", 45),
    "detail": Stage("Adding Detail", 7),
    "rig": Stage("Rigging the Head", 5),
    "flame": Stage("Fitting FLAME", 5),
    "colour": Stage("Colouring", 13),
    "texture": Stage("Painting the Texture", 12),
    "track": Stage("Tracking the Face"),
    "export": Stage("Writing the Files"),
    "test": Stage("Testing"),
}
"""Those of a reconstruction in the order in which it goes through them."""


def stage_label(name: str) -> str:
    """A stage in the artist's words; what is no known stage stays as it is."""
    return STAGES[name].label if name in STAGES else name
