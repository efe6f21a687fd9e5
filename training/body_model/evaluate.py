"""How near the body fit comes to known figures: python -m likeness.training.body_model.evaluate --views FOLDER [--split evaluation], or
--bodies FOLDER for the fits that `training.bodies.fits` stored with clothed figures.

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
from ..data.dataset import Shards
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


def errors(body: BodyModel, vertices: np.ndarray, joints: np.ndarray, naked: np.ndarray, bones: np.ndarray, rig_names: list[str]) -> dict:
    """Of a fit's vertices (13380, 3) and joints (61, 3) against the truth's naked body and bones (163, 3); all in camera axes, metres."""
    name_places = [rig_names.index(name) for name in MAJOR_JOINTS], [body.joint(name) for name in MAJOR_JOINTS]
    right, ours = bones[name_places[0]], joints[name_places[1]].astype(np.float64)
    centred = [points - points[list(HIPS)].mean(0) for points in (ours, right)]
    millimetres = lambda first, second: 1000 * float(np.linalg.norm(first - second, axis=1).mean())  # noqa: E731
    flips = 0
    for side in "LR":
        for upper, lower in _LIMBS:
            ends = [f"{upper}.{side}", f"{lower}.{side}"]
            true = np.diff(bones[[rig_names.index(name) for name in ends]], axis=0)[0]
            found = np.diff(joints[[body.joint(name) for name in ends]], axis=0)[0]
            deep, guessed = true[2] / np.linalg.norm(true), found[2] / np.linalg.norm(found)
            flips += bool(deep * guessed < 0 and abs(deep) > _FLIPPED and abs(deep - guessed) > _APART)
    return {
        "joints": millimetres(similarity(ours, right), right),
        "vertices": millimetres(similarity(vertices.astype(np.float64), naked), naked),
        "placed": millimetres(*centred),
        "depth": 1000 * float(np.abs(centred[0] - centred[1])[:, 2].mean()),
        "flips": float(flips),
    }


def measures(body: BodyModel, fit: BodyViewFit, records: Records, view: int, rig_names: list[str]) -> dict[str, float]:
    """Of one fitted view."""
    turn = records["turn"][view].astype(np.float64)
    naked = records.metres("naked", view) @ turn.T
    shown = records["focal"][view] / -float(records["place"][view][2])
    there = naked + records["place"][view]
    seen = records["principal"][view] + records["focal"][view] * there[:, :2] * [1, -1] / -there[:, 2:]
    return errors(body, fit.vertices, fit.joints, naked, records["joints"][view] @ turn.T, rig_names) | {
        "pictured": 1000 * float(np.linalg.norm(fit.camera.project(fit.vertices) - seen, axis=1).mean() / shown),
        "up": float(np.degrees(np.arccos(np.clip(fit.up @ turn[:, 1], -1, 1)))),
        "energy": fit.energy,
    }


def of_views(options: argparse.Namespace, body: BodyModel, rig_names: list[str]) -> list[dict]:
    """A row a view that is fitted now."""
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
        row = {"seconds": time.perf_counter() - start} | measures(body, fit, records, view, rig_names)
        rows.append(row | {"kind": str(records["kind"][view]), "yaw": float(records["yaw"][view]), "view": view})
    return rows


def of_bodies(folder: Path, body: BodyModel, rig_names: list[str]) -> list[dict]:
    """A row a stored figure in which somebody was found; its kind is whether the clothes are loose."""
    fields = ("fit_found", "fit_vertices", "fit_joints", "fit_camera", "naked", "joints", "turn", "loose")
    shards, rows = Shards(folder, fields), []
    for index in range(len(shards)):
        sample = shards[index]
        for view in np.flatnonzero(sample["fit_found"]):
            camera = sample["fit_camera"][view].astype(np.float64)
            vertices, joints = (out_of_crop(sample[f"fit_{name}"][view].astype(np.float64), camera) for name in ("vertices", "joints"))
            naked, bones = (sample[name][view].astype(np.float64) for name in ("naked", "joints"))
            ahead = sample["turn"][view][:, 2]
            kind = {
                "kind": ("close", "loose")[int(np.ravel(sample["loose"])[0])],
                "yaw": float(np.arctan2(ahead[0], ahead[2])),
                "view": index,
            }
            rows.append(errors(body, vertices, joints, naked, bones, rig_names) | kind)
    log.info("%d of %d figures found", len(rows), len(shards))
    return rows


def out_of_crop(points: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Camera frame, metres, of points (N, 3) of the crop frame that a stored camera (4,) sees."""
    across, down, scale, nearness = camera
    depth = points[:, 2:] / scale
    return np.concatenate([(points[:, :2] - [across, -down]) / scale * (1 - depth * nearness), depth], axis=1)


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Measure the body fit on known figures.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--views", type=Path, help="folder of training.body_model.views, to fit now")
    source.add_argument("--bodies", type=Path, help="folder of shards with fits")
    parser.add_argument("--split", default="evaluation")
    parser.add_argument("--every", type=int, default=2, help="one view of so many")
    parser.add_argument("--focal", action="store_true", help="tell the fit the focal length")
    parser.add_argument("--output", type=Path, help="a JSON file for the single values")
    options = parser.parse_args()
    from ..humans.bodies import Bodies

    body, rig_names = BodyModel.load(), list(Bodies().bone_names)
    rows = of_views(options, body, rig_names) if options.views else of_bodies(options.bodies, body, rig_names)
    if options.output:
        options.output.write_text(json.dumps(rows))
    names = [name for name in rows[0] if name not in ("kind", "yaw", "view")]
    turned = lambda low, high: [row for row in rows if low <= np.degrees(abs(row["yaw"])) < high]  # noqa: E731
    groups = {"all": rows, "front": turned(0, 60), "side": turned(60, 120), "back": turned(120, 181)}
    groups |= {kind: [row for row in rows if row["kind"] == kind] for kind in sorted({row["kind"] for row in rows})}
    log.info("%-9s %5s %s", "", "views", " ".join(f"{name:>9}" for name in names))
    for name, chosen in groups.items():
        log.info("%-9s %5d %s", name, len(chosen), " ".join(f"{np.mean([row[key] for row in chosen]):9.2f}" for key in names))
    log.info("%-9s %5s %s", "median", "", " ".join(f"{np.median([row[key] for row in rows]):9.2f}" for key in names))


if __name__ == "__main__":
    main()
