"""How well normals explain the shading of real faces: `python -m likeness.benchmarks.shading --assets FOLDER --portraits FOLDER`.

Nobody knows the normals of these portraits, but light that is no nearer than the walls makes luminance of skin of one colour a quadratic
function of the normal (Ramamoorthi & Hanrahan 2001): nine numbers a photo, found by least squares. What share of the variance of a face's
skin they leave unexplained tells whose normals are nearer to the truth; make-up, shine, shadows and a beard's shadow stay unexplained by
any. A network that took dark spots for relief would win without being right, so the development scan `james` under drawn lights comes
first, where true normals are known. There the true ones win only just, and networks that are nearer to the truth than the fit explain less:
take it as a hint beside true angles, never alone. Medians over pictures, and mean differences to the fit with their intervals.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from ..core.errors import InputError
from ..core.networks.normal import INPUT_SIZE
from ..core.networks.predictor import CropPrediction
from ..core.photo.parsing import CLASSES
from ..core.pipeline import Reconstructor
from ..evaluation.bootstrap import mean_interval
from .normals import MeasuredPhoto, command_line, face_of, fitted_normals, load_reconstructor, measured_photo, networks_of, scans

_SURE, _MARGIN, _FEWEST = 0.9, 5, 500  # share of skin; pixels across what is eroded; pixels of a face


def unexplained(picture: np.ndarray, normals: np.ndarray, skin: np.ndarray) -> float:
    """Share of the luminance's variance on skin (S, S) bool that no quadratic function of normals (S, S, 3) explains.

    picture: (S, S, 3) sRGB in [0, 1]."""
    luminance = ((picture[skin] + 0.055) / 1.055) ** 2.4 @ np.array([0.2126, 0.7152, 0.0722])
    x, y, z = normals[skin].T
    terms = np.stack([np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=1).astype(np.float64)
    rest = luminance - terms @ np.linalg.lstsq(terms, luminance, rcond=None)[0]
    return float(rest.var() / max(luminance.var(), 1e-9))


def portraits(folder: Path, reconstructor: Reconstructor) -> Iterator[MeasuredPhoto]:
    """The photos of a folder in which the product finds a head."""
    for path in sorted(folder.glob("*.jpg")):
        try:
            view = reconstructor.intake.load(path)
        except InputError:
            continue
        yield from measured_photo(reconstructor, "portraits", view, lambda crop: torch.zeros(3, INPUT_SIZE, INPUT_SIZE))


def bare_face(measured: MeasuredPhoto, prediction: CropPrediction) -> np.ndarray:
    """(S, S) bool: skin of the face, away from what is not."""
    face = face_of(prediction.maps[0]).numpy() & (prediction.photo[0, 3].numpy() > _SURE)
    if measured.view.parsing is not None:
        shares = measured.view.parsing.crop(measured.surface.framing.crop_box(measured.camera), INPUT_SIZE)
        face &= shares[..., CLASSES.index("skin")] > _SURE
    return cv2.erode(face.astype(np.uint8), np.ones((_MARGIN, _MARGIN), np.uint8)) > 0


def main() -> None:
    """Command line."""
    parser = command_line(__doc__)
    parser.add_argument("--portraits", type=Path, required=True)
    arguments = parser.parse_args()
    reconstructor = load_reconstructor()
    networks = networks_of(arguments.weights)
    pictures = [measured for measured in scans(arguments.assets, reconstructor) if measured.group == "james lit"]
    pictures += portraits(arguments.portraits, reconstructor)
    rows: dict[str, list[float]] = {}
    groups = []
    for measured in pictures:
        predictions = {name: predictor.predict(measured.view, measured.camera, measured.surface) for name, predictor in networks.items()}
        prediction = predictions["bundled"]
        face = bare_face(measured, prediction)
        if face.sum() < _FEWEST:
            continue
        truth = F.interpolate(measured.truth[None], size=(INPUT_SIZE, INPUT_SIZE), mode="area")[0]
        normals = (
            {"fit": fitted_normals(prediction.maps[0])} | {name: one.normals[0] for name, one in predictions.items()} | {"truth": truth}
        )
        picture = prediction.photo[0, :3].permute(1, 2, 0).numpy()
        groups.append(measured.group)
        for name, values in normals.items():
            rows.setdefault(name, []).append(unexplained(picture, values.permute(1, 2, 0).numpy(), face))
    _table(groups, rows)


def _table(groups: list[str], rows: dict[str, list[float]]) -> None:
    names = sorted(set(groups))
    print("| unexplained, % | " + " | ".join(f"{name} ({groups.count(name)})" for name in names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for name, shares in rows.items():
        cells = []
        for group in names:
            mine, fit = (100 * np.array([row[i] for i, one in enumerate(groups) if one == group]) for row in (shares, rows["fit"]))
            apart = mean_interval(mine - fit)
            cells.append(
                ""
                if name == "truth" and group == "portraits"
                else f"{np.median(mine):.1f} ({apart[0]:+.1f} [{apart[1]:+.1f}, {apart[2]:+.1f}])"
            )
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
