"""What the quality gate measures, and the results that it compares with: `python -m likeness.tests.gate.bands` shows both.

After a change that is meant to alter results, look at its table, then store the new ones with `--write`. How far a result may be from the
stored one is no result: those two numbers of each measure in bands.json are set by hand.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from likeness.core.settings import Settings
from likeness.evaluation.case import CaseSet
from likeness.evaluation.methods import Methods
from likeness.evaluation.metrics import MeasuredTruth
from likeness.evaluation.score import SamplingBudget, score

FOLDER = Path(__file__).parent
BANDS = FOLDER / "bands.json"
BUDGET = SamplingBudget(samples=4000, seeds=1, alignments=("A0", "A1"), published=False)
METHOD = "likeness"

Rows = dict[str, dict[str, float]]
"""Measures by person and name."""


def measured() -> Rows:
    """All measures of the whole pipeline, at draft quality on the CPU, on the stored people."""
    methods = Methods((METHOD,), Settings(quality="draft", device="cpu"))
    rows = {}
    for case in CaseSet.open(FOLDER / "cases").read():
        prediction = methods.methods[METHOD](methods.prepare(case))
        rows[case.name] = score(case, MeasuredTruth(case), prediction, BUDGET).values
    return rows


def stored() -> dict[str, dict[str, Any]]:
    """By measure: better ("lower" or "higher"), mean_within and person_within, and the stored results: mean, and people by name.

    mean_within: how far the mean may move, either way. person_within: how much worse any one person may come out.
    """
    return json.loads(BANDS.read_text(encoding="utf-8"))


def mean_of(rows: Rows, measure: str) -> float:
    """Mean over the people."""
    return float(np.mean([row[measure] for row in rows.values()]))


def worse(band: dict[str, Any], rows: Rows, measure: str) -> dict[str, float]:
    """By how much each person comes out worse than stored; negative: better."""
    sign = {"lower": 1, "higher": -1}[band["better"]]
    return {name: sign * (rows[name][measure] - value) for name, value in band["people"].items()}


def table(bands: dict[str, dict[str, Any]], rows: Rows) -> str:
    """Stored and new results, a line a measure; what leaves its band is marked."""
    lines = [f"{'measure':16s} {'stored':>9s} {'new':>9s} {'within':>8s}   {'worst person':>14s} {'by':>8s} {'within':>8s}"]
    for measure, band in bands.items():
        new, by = mean_of(rows, measure), worse(band, rows, measure)
        worst = max(by, key=lambda name: by[name])
        marks = [" *" if out else "  " for out in (abs(new - band["mean"]) > band["mean_within"], by[worst] > band["person_within"])]
        lines.append(
            f"{measure:16s} {band['mean']:9.4f} {new:9.4f} {band['mean_within']:8.4f}{marks[0]} "
            f"{worst:>14s} {by[worst]:8.4f} {band['person_within']:8.4f}{marks[1]}"
        )
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the new results; how far later ones may be from them stays")
    options = parser.parse_args()
    bands, rows = stored(), measured()
    print(table(bands, rows))
    if options.write:
        for measure, band in bands.items():
            band["mean"] = round(mean_of(rows, measure), 5)
            band["people"] = {name: round(row[measure], 5) for name, row in rows.items()}
        BANDS.write_text(json.dumps(bands, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
