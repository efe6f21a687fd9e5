"""Evaluate methods on sets: every case, every method, one report."""

import hashlib
import json
import logging
import os
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..core.errors import InputError, LikenessError, explain
from ..core.networks.weights import hashes
from ..core.photo.decode import read_photo
from ..core.photo.files import KINDS, SUFFIXES
from ..core.photo.intake import Intake
from ..core.settings import Settings
from ..core.version import VERSION
from .body_methods import BodyMethods
from .case import Case, CaseSet, write_set
from .gallery import comparison_strip, write_sheet
from .likeness import Likenesses
from .methods import Method, Methods, Prediction, labelled, reference
from .metrics import MeasuredTruth
from .recogniser import Recogniser
from .report import SubjectScore, set_report, write_csv
from .score import SamplingBudget, Score, score

log = logging.getLogger(__name__)
Progress = Callable[[str, float], None]
_T = TypeVar("_T")
AnyMethods = Methods | BodyMethods
_WORST = 5
_PACKAGES = ("numpy", "scipy", "torch", "opencv-python-headless", "scikit-image", "mediapipe", "trimesh")


def evaluate(
    sets: Sequence[Path], output: Path, names: tuple[str, ...], budget: SamplingBudget, settings: Settings,
    fields: tuple[Path, ...] = (), progress: Progress | None = None, recogniser: Path | None = None,
) -> list[Path]:  # fmt: skip
    """Write report.md, subjects.csv, environment.json and a sheet of pictures a set into `output`; returns their paths.

    names and fields as in Methods. recogniser: its weights, to measure whom the heads look like. A case that a method cannot do is a line
    of the report, not the end. Raises AssetError for damaged sets, and for a file that holds no recogniser.
    """
    likeness = None if recogniser is None else Recogniser.load(recogniser)
    opened = [CaseSet.open(folder) for folder in sets]
    of_subject: dict[str, AnyMethods] = {}

    def methods_of(case: Case) -> AnyMethods:
        if case.subject not in of_subject:
            of_subject[case.subject] = (BodyMethods if case.subject == "body" else Methods)(names, settings, fields)
        return of_subject[case.subject]

    output.mkdir(parents=True, exist_ok=True)
    total = sum(len(one.cases[: budget.cases]) for one in opened)
    begun, done, rows, sections, written = time.perf_counter(), 0, [], [], []
    for one in opened:
        mine: list[SubjectScore] = []
        likenesses = None if likeness is None else Likenesses(likeness)
        strips: list[tuple[float, str, np.ndarray]] = []
        for case in one.read(budget.cases):
            if progress is not None:
                progress(f"{one.name}: {case.name}", done / total)
            mine += _case(one, case, methods_of(case), budget, strips, likenesses)
            done += 1
        sheet = output / f"{one.folder.name}.png"
        strips.sort(key=lambda entry: -entry[0])
        shown = strips if all(np.isinf(entry[0]) for entry in strips) else strips[:_WORST]
        section = set_report(one, mine) + ("" if likenesses is None else f"\n{likenesses.report()}")
        if shown:
            write_sheet([(caption, picture) for _, caption, picture in shown], sheet)
            written.append(sheet)
            section += f"\n![The worst cases, or all where there is no truth: photo, truth, prediction, colours, errors]({sheet.name})\n"
        sections.append(section)
        rows += mine
    report = output / "report.md"
    report.write_text(
        "# R-Eval\n\n" + _preface(budget, settings, fields, time.perf_counter() - begun) + "\n\n" + "\n".join(sections), "utf-8"
    )
    write_csv(rows, output / "subjects.csv")
    (output / "environment.json").write_text(json.dumps(_environment(opened, budget, settings, fields), indent=1), "utf-8")
    return [report, output / "subjects.csv", output / "environment.json", *written]


def _case(
    one: CaseSet, case: Case, methods: AnyMethods, budget: SamplingBudget, strips: list[tuple[float, str, np.ndarray]],
    likenesses: Likenesses | None,
) -> list[SubjectScore]:  # fmt: skip
    truth = None if case.truth is None else MeasuredTruth(case)
    rows: list[SubjectScore] = []
    # The photo is looked at once for all methods, and found wanting once.
    prepared = _tried(partial(methods.prepare, case), case.name)
    for name, method in methods.methods.items():
        found = prepared if isinstance(prepared, str) else _tried(partial(_measured, case, truth, method, prepared, budget), case.name)
        if isinstance(found, str):
            rows.append(SubjectScore(one.name, case.name, name, case.labels, case.metric, error=found))
            continue
        prediction, measured = found
        values = measured.values | ({} if likenesses is None else likenesses.add(case, name, prediction))
        rows.append(SubjectScore(one.name, case.name, name, case.labels, case.metric, values, measured.face_errors))
        if name == reference(list(methods.methods)):
            bad = measured.values.get("A0.chamfer" if case.metric else "A2.chamfer", np.inf)
            words = f"{bad:.1f} mm" if np.isfinite(bad) else f"IoU {measured.values.get('silhouette_iou', np.nan):.3f}"
            strips.append((bad, f"{case.name}  {words}", comparison_strip(case, truth, prediction)))
    return rows


def _measured(
    case: Case, truth: MeasuredTruth | None, method: Method, prepared: object, budget: SamplingBudget
) -> tuple[Prediction, Score]:
    prediction = method(prepared)
    return prediction, score(case, truth, prediction, budget)


def _tried(work: Callable[[], _T], name: str) -> _T | str:
    """What the work gives, or the sentence that says why it gives nothing."""
    try:
        return work()
    except LikenessError as error:
        return str(error)
    except Exception as error:
        log.exception("%s", name)
        return str(explain(error, name))


def photo_set(photos: Path, folder: Path, intake: Intake) -> Path:
    """Make a set, without truth, of the pictures in a folder: masks and landmarks are what the product sees. Raises InputError."""
    files = sorted(path for path in photos.iterdir() if path.suffix.lower() in SUFFIXES) if photos.is_dir() else []
    if not files:
        raise InputError(f"{photos} holds no photos; give a folder with {KINDS} files.")
    names = []
    for file in files:
        image = read_photo(file).image
        view = intake.view(image, file.name)
        image = np.ascontiguousarray(np.rot90(image, view.roll))
        name = f"{file.stem}{file.suffix}".replace(".", "-")
        Case(name, image, landmark_pixels=view.mesh[:, :2], mask=view.matte).save(folder / name)
        names.append(name)
    note = "Photos of the user's; silhouette and landmarks are compared with what the product itself sees in the photo."
    write_set(folder, "photos", note, names, {})
    return folder


def _preface(budget: SamplingBudget, settings: Settings, files: tuple[Path, ...], seconds: float) -> str:
    text = (
        f"Likeness {VERSION}, quality {settings.quality}; {budget.samples:,} samples a mesh, {budget.seeds} "
        f"{'seed' if budget.seeds == 1 else 'seeds'}; {seconds / 60:.1f} minutes. "
        "Every method sees the photo alone: masks, landmarks, camera and scale are predicted. P2S is truth to prediction, S2P prediction "
        "to truth, Chamfer half their sum, un-squared, mm. The definitions are in docs/evaluation.md of the source."
    )
    fields = [f"`{name}` (SHA-256 {digest[:12]}…)" for name, digest in _field_hashes(files).items()]
    return text + (f"\n\nOther fields: {', '.join(fields)}." if fields else "")


def _field_hashes(files: tuple[Path, ...]) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in labelled(files).items()}


def _environment(sets: Sequence[CaseSet], budget: SamplingBudget, settings: Settings, files: tuple[Path, ...]) -> dict[str, object]:
    return {
        "likeness": VERSION,
        "weights": hashes(),
        "fields": _field_hashes(files),
        "settings": settings.to_dict(),
        "effort": {"samples": budget.samples, "seeds": budget.seeds, "cases": budget.cases},
        "sets": {one.name: [digest for _, files in one.cases for digest in files.values()] for one in sets},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "packages": {name: version(name) for name in _PACKAGES},
    }
