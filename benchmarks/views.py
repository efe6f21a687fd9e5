"""What further photos of a person bring: `python -m likeness.benchmarks.views --assets FOLDER [--people 8] [--counts 1 2 3 4 8]`.

People of the evaluation seed, each photographed from several sides under a light and by a camera of its own; the first photo is the main
one, from the front. A head is made of the first photo alone, of the first two, and so on, and measured without alignment: whatever turns
it turns it in the main photo. `--stranger` puts another person's photo among three, which has to be left out. Prints a Markdown table of
means, with 95 % intervals of the paired difference to one photo.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..core.models.head import HeadModel
from ..core.pipeline import Reconstructor
from ..core.result import Result
from ..core.settings import Settings
from ..evaluation.bootstrap import mean_interval
from ..evaluation.case import Case
from ..evaluation.methods import Prediction
from ..evaluation.metrics import MeasuredTruth
from ..evaluation.score import SMALL, score
from ..training.evaluation.people import turned_cases

_YAWS = (0, 35, -35, 60, -60, 20, -20, 10)
_COLUMNS = {
    "A0.p2s_face": "face", "A0.p2s_ears": "ears", "A0.p2s_hair": "hair", "A0.p2s_back": "back", "A0.p2s": "P2S", "A0.chamfer": "Chamfer",
    "A0.iou": "IoU", "psnr_observed": "colours of the main photo, dB", "psnr_hidden": "colours that it hides, dB", "used": "photos used",
    "seconds": "s",
}  # fmt: skip


@dataclass(frozen=True)
class Heads:
    """Makes and measures heads of several photos of a person."""

    reconstructor: Reconstructor
    settings: Settings
    folder: Path

    def files(self, cases: Sequence[Case]) -> list[Path]:
        """The cases' photos, written as files."""
        paths = [self.folder / f"{case.name}.png" for case in cases]
        for path, case in zip(paths, cases, strict=True):
            Image.fromarray(case.photo).save(path)
        return paths

    def measure(self, truth: MeasuredTruth, paths: Sequence[Path]) -> dict[str, float]:
        """The measures of the head that the photos give; the first is that of the truth."""
        begun = time.process_time()
        result = self.reconstructor.run(list(paths), self.settings)
        seconds = time.process_time() - begun
        case = replace(truth.case, landmarks=None, landmark_pixels=None)
        used = sum(row["used"] for row in result.report["photos"]) if len(paths) > 1 else 1
        return score(case, truth, _prediction(result), replace(SMALL, alignments=("A0",), published=False)).values | {
            "used": float(used), "seconds": seconds,
        }  # fmt: skip


def _prediction(result: Result) -> Prediction:
    surface, view = result.surface, result.views[0]
    vertices = view.pose.to_camera(surface.vertices).astype(np.float32)
    return Prediction(vertices, surface.faces, np.zeros((468, 3)), view.camera, 0.0, surface.colours)


def _row(name: str, values: list[dict[str, float]], first: list[dict[str, float]]) -> str:
    cells = [name]
    for key in _COLUMNS:
        mine = np.array([row.get(key, np.nan) for row in values])
        text = f"{np.nanmean(mine):.3g}"
        if values is not first and key not in ("used", "seconds"):
            _, low, high = mean_interval(mine - np.array([row.get(key, np.nan) for row in first]))
            text += f" [{low:+.2g}, {high:+.2g}]"
        cells.append(text)
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--first", type=int, default=0, help="number of the first person")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 2, 3, 4, 8])
    parser.add_argument(
        "--yaws", type=float, nargs="+", default=_YAWS, help="degrees by which the photos' heads are turned, the main one's first"
    )
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--stranger", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, list[dict[str, float]]] = {}
    other: list[Path] = []
    with tempfile.TemporaryDirectory() as folder:
        heads = Heads(Reconstructor.load("cpu"), Settings(quality=options.quality, subject="head", cut="none"), Path(folder))
        for cases in turned_cases(
            options.assets, HeadModel.load(), range(options.first, options.first + options.people), options.yaws[: max(options.counts)]
        ):
            truth, paths = MeasuredTruth(cases[0]), heads.files(cases)
            chosen = {str(count): paths[:count] for count in options.counts}
            if options.stranger and other:
                chosen["3, one of a stranger"] = [*paths[:2], other[2], paths[2]]
            for name, photos in chosen.items():
                rows.setdefault(name, []).append(heads.measure(truth, photos))
            other = paths
            print(cases[0].name, {name: round(values[-1]["A0.chamfer"], 2) for name, values in rows.items()}, flush=True)
    first = rows[str(options.counts[0])]
    print(f"| photos | {' | '.join(_COLUMNS.values())} |\n|{'---|' * (len(_COLUMNS) + 1)}")
    for name, values in rows.items():
        print(_row(name, values, first if len(first) == len(values) else first[1:]))


if __name__ == "__main__":
    main()
