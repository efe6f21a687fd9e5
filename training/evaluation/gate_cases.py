"""Make the stored cases of the quality gate: `python -m likeness.training.evaluation.gate_cases --assets FOLDER --output tests/gate/cases`.

Six drawn people, each a small JPEG and a coarse truth, so that the tests can hold the whole pipeline against known heads without the asset
pack. Their indices lie far beyond those of `synthetic-busts`: results on the evaluation sets stay independent of what the gate demands.
"""

import argparse
import dataclasses
import shutil
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.models.head import HeadModel
from ...core.photo.view import Camera
from ...core.version import VERSION
from ...evaluation.case import Case, Truth, write_set
from ..data.samples import SEEDS
from .people import bust_cases

PEOPLE = (1002, 1003, 1004, 1006, 1007, 1008)
"""Indices of the people: short hair, a fringe, a moustache, long curls, glasses, a goatee."""
_SIDE = 448  # pixels: the face is about 150 pixels high
_CELL = 0.004  # metres: the truth's vertices are merged in cubes of this size
NAME = "gate"
NOTE = "Six drawn people, small and coarse: what the tests compare the whole pipeline with. Not for comparing methods."


def small(case: Case) -> Case:
    """The case with a smaller photo and a truth of merged vertices."""
    assert case.truth is not None and case.camera is not None and case.mask is not None and case.landmark_pixels is not None
    scale = _SIDE / len(case.photo)
    column, row = case.camera.centre
    return dataclasses.replace(
        case,
        photo=cv2.resize(case.photo, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA),
        mask=cv2.resize(case.mask, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA),
        camera=Camera((column * scale, row * scale), case.camera.scale * scale, case.camera.distance),
        landmark_pixels=case.landmark_pixels * scale,
        truth=merged(case.truth, _CELL),
    )


def merged(truth: Truth, cell: float) -> Truth:
    """The truth with all vertices of one region in a cube of `cell` metres merged into their mean; volumes stay."""
    key = np.column_stack([np.floor(truth.vertices / cell).astype(np.int64), truth.region.astype(np.int64)])
    _, first, member = np.unique(key, axis=0, return_index=True, return_inverse=True)
    member = member.reshape(-1)
    total = np.bincount(member)[:, None]

    def mean(values: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(member, values[:, axis].astype(np.float64)) for axis in range(3)], axis=1) / total

    faces = member[truth.faces]
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    faces = np.unique(faces[distinct], axis=0)
    # Tenths of a millimetre compress to a third of what floats take.
    vertices = np.round(mean(truth.vertices), 4).astype(np.float32)
    colours = None if truth.colours is None else np.round(mean(truth.colours)).astype(np.uint8)
    return dataclasses.replace(truth, vertices=vertices, faces=faces.astype(np.int32), region=truth.region[first], colours=colours)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="an existing folder is replaced")
    parser.add_argument("--people", type=int, nargs="+", default=PEOPLE, help="indices of people")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shutil.rmtree(options.output, ignore_errors=True)
    cases = (small(case) for case in bust_cases(options.assets, HeadModel.load(), options.people))
    names = []
    for case in cases:
        case.save(options.output / case.name, jpeg=True)
        names.append(case.name)
    write_set(options.output, NAME, NOTE, names, {"likeness": VERSION, "seed": SEEDS["evaluation"]})


if __name__ == "__main__":
    main()
