"""How near the body fit comes to known figures: python -m likeness.training.body_model.evaluate --views FOLDER [--split evaluation].

Millimetres of bodies with 63 mm between the eyes. joints: of the 14 major ones, and vertices: of the naked body, both after the best
similarity; placed: joints about the hips' middle without alignment; depth: along the viewing axis; pictured: vertices in the picture;
flips: limbs that point the other way in depth; up: degrees between the guessed and the true direction against gravity.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np

from ...core.models.body import BodyModel
from ...core.models.body_fit import BodyFitter, BodyViewFit
from ...core.models.body_guess import HIPS, MAJOR_JOINTS, GuessNetwork
from ...core.models.observation import BodyObservation
from .records import Records

log = logging.getLogger(__name__)
_LIMBS = (("upperarm01", "lowerarm01"), ("lowerarm01", "wrist"), ("upperleg01", "lowerleg01"), ("lowerleg01", "foot"))
_FLIPPED, _APART = 0.2, 0.4  # of a limb's direction in depth: how far from flat, and how far beside


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Points (N, 3) scaled, turned and shifted to lie nearest to others (Umeyama 1991)."""
    first, second = source - source.mean(0), target - target.mean(0)
    left, values, right = np.linalg.svd(second.T @ first)
    sign = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    return (values @ sign) / (first**2).sum() * first @ (left @ np.diag(sign) @ right).T + target.mean(0)


def measures(body: BodyModel, fit: BodyViewFit, records: Records, view: int, rig_names: list[str]) -> dict[str, float]:
    """Of one fitted view."""
    turn = records["turn"][view].astype(np.float64)
    truth, naked = records["joints"][view] @ turn.T, records.metres("naked", view) @ turn.T
    name_places = [rig_names.index(name) for name in MAJOR_JOINTS], [body.joint(name) for name in MAJOR_JOINTS]
    right, ours = truth[name_places[0]], fit.joints[name_places[1]].astype(np.float64)
    centred = [points - points[list(HIPS)].mean(0) for points in (ours, right)]
    millimetres = lambda first, second: 1000 * float(np.linalg.norm(first - second, axis=1).mean())  # noqa: E731
    flips = 0
    for side in "LR":
        for upper, lower in _LIMBS:
            ends = [f"{upper}.{side}", f"{lower}.{side}"]
            true = np.diff(truth[[rig_names.index(name) for name in ends]], axis=0)[0]
            found = np.diff(fit.joints[[body.joint(name) for name in ends]], axis=0)[0]
            deep, guessed = true[2] / np.linalg.norm(true), found[2] / np.linalg.norm(found)
            flips += bool(deep * guessed < 0 and abs(deep) > _FLIPPED and abs(deep - guessed) > _APART)
    shown = records["focal"][view] / -float(records["place"][view][2])
    there = naked + records["place"][view]
    seen = records["principal"][view] + records["focal"][view] * there[:, :2] * [1, -1] / -there[:, 2:]
    return {
        "joints": millimetres(similarity(ours, right), right),
        "vertices": millimetres(similarity(fit.vertices.astype(np.float64), naked), naked),
        "placed": millimetres(*centred),
        "depth": 1000 * float(np.abs(centred[0] - centred[1])[:, 2].mean()),
        "pictured": 1000 * float(np.linalg.norm(fit.camera.project(fit.vertices) - seen, axis=1).mean() / shown),
        "flips": float(flips),
        "up": float(np.degrees(np.arccos(np.clip(fit.up @ turn[:, 1], -1, 1)))),
    }


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Measure the body fit on known figures.")
    parser.add_argument("--views", type=Path, required=True)
    parser.add_argument("--split", default="evaluation")
    parser.add_argument("--every", type=int, default=2, help="one view of so many")
    parser.add_argument("--focal", action="store_true", help="tell the fit the focal length")
    parser.add_argument("--output", type=Path, help="a JSON file for the single values")
    options = parser.parse_args()
    from ..humans.bodies import Bodies

    body, rig_names = BodyModel.load(), Bodies().bone_names
    fitter = BodyFitter(body, GuessNetwork.load())
    records = Records.load(options.views, options.split)
    rows = []
    for view in range(0, len(records), options.every):
        readings = records.readings(view)
        if not readings:
            log.info("view %d: nothing read", view)
            continue
        focal = float(records["focal"][view]) if options.focal else None
        seen = BodyObservation(readings, records["principal"][view], records.matte(view), focal)
        start = time.perf_counter()
        fit = fitter.fit([seen]).views[0]
        seconds = time.perf_counter() - start
        row = measures(body, fit, records, view, rig_names) | {"seconds": seconds, "energy": fit.energy}
        rows.append(row | {"kind": str(records["kind"][view]), "yaw": float(records["yaw"][view]), "view": view})
    if options.output:
        options.output.write_text(json.dumps(rows))
    names = [name for name in rows[0] if name not in ("kind", "yaw", "view")]
    groups = {"all": rows, "front": [row for row in rows if abs(row["yaw"]) < np.pi / 3]}
    groups |= {kind: [row for row in rows if row["kind"] == kind] for kind in sorted({row["kind"] for row in rows})}
    log.info("%-9s %5s %s", "", "views", " ".join(f"{name:>9}" for name in names))
    for name, chosen in groups.items():
        log.info("%-9s %5d %s", name, len(chosen), " ".join(f"{np.mean([row[key] for row in chosen]):9.2f}" for key in names))
    log.info("%-9s %5s %s", "median", "", " ".join(f"{np.median([row[key] for row in rows]):9.2f}" for key in names))


if __name__ == "__main__":
    main()
