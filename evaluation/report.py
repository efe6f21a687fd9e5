"""Tables of scores as Markdown, and everything as CSV."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .bootstrap import mean_interval
from .case import CaseSet
from .methods import TITLES, reference


@dataclass(frozen=True)
class SubjectScore:
    """One method on one case: its measures, or the sentence that says why there are none."""

    set_name: str
    case: str
    method: str
    labels: dict[str, str]
    metric: bool
    values: dict[str, float] = field(default_factory=dict)
    face_errors: dict[str, np.ndarray] = field(default_factory=dict)
    error: str = ""


_DISTANCES = (
    ("Chamfer", "chamfer", 2), ("P2S", "p2s", 2), ("S2P", "s2p", 2), ("P2S median", "p2s_median", 2), ("P2S 95 %", "p2s_p95", 1),
    ("normals °", "angle", 1), ("F 2 mm", "f2", 1), ("F 5 mm", "f5", 1), ("complete %", "complete", 1), ("artefacts %", "artefacts", 1),
    ("IoU", "iou", 3),
)  # fmt: skip
_TABLES: tuple[tuple[str, str, tuple[tuple[str, str, int], ...]], ...] = (
    ("Without alignment (A0), mm", "", tuple((title, f"A0.{key}", digits) for title, key, digits in _DISTANCES)),
    ("Rigidly aligned (A1), mm", "", tuple((title, f"A1.{key}", digits) for title, key, digits in _DISTANCES)),
    ("Aligned with scale (A2), mm", "", tuple((title, f"A2.{key}", digits) for title, key, digits in _DISTANCES)),
    (
        "What the photo overlays",
        "Silhouette IoU and landmarks in each prediction's own camera; landmarks as % of the outer eye corners' distance.",
        (("silhouette IoU", "silhouette_iou", 3), ("landmarks %", "landmark_error", 2), ("landmarks px", "landmark_px", 2)),
    ),
    (
        "Colour",
        "Six sides, A0, where both meshes are seen; what the photo shows and what it hides apart.",
        (
            ("PSNR observed", "psnr_observed", 1),
            ("SSIM observed", "ssim_observed", 3),
            ("PSNR hidden", "psnr_hidden", 1),
            ("SSIM hidden", "ssim_hidden", 3),
        ),
    ),
    (
        "In the columns of others",
        "ICPR 2020: P2S of predicted vertices (mm), squared Chamfer (mm²). ICON: 1,000 even samples, cm, and our normal pictures' L2. "
        "SiTH: sample to sample, mm, after A2.",
        (
            ("ICPR P2S", "icpr_p2s", 2), ("ICPR Chamfer", "icpr_chamfer", 1), ("ICON P2S", "icon_p2s", 3),
            ("ICON Chamfer", "icon_chamfer", 3), ("normal L2", "normal_l2", 4), ("SiTH P2S", "sith_p2s", 2), ("SiTH S2P", "sith_s2p", 2),
            ("SiTH NC", "sith_nc", 3), ("SiTH F", "sith_f", 1),
        ),
    ),
    (
        "Meshes and effort",
        "Open edges have one triangle, bad edges more than two.",
        (
            ("seconds", "seconds", 1), ("peak MB", "memory_mb", 0), ("triangles", "triangles", 0), ("pieces", "components", 1),
            ("open edges", "open_edges", 1), ("bad edges", "bad_edges", 1),
        ),
    ),
)  # fmt: skip
_PAIRED = (
    ("Chamfer A0", "A0.chamfer", 2), ("Chamfer A1", "A1.chamfer", 2), ("Chamfer A2", "A2.chamfer", 2), ("face A0", "A0.p2s_face", 2),
    ("face A1", "A1.p2s_face", 2), ("hair A1", "A1.p2s_hair", 2), ("hidden A1", "A1.p2s_hidden", 2),
    ("silhouette IoU", "silhouette_iou", 3),
)  # fmt: skip
_FEWEST_PAIRS = 5
_REGIONS = ("face", "ears", "hair", "scalp", "neck", "back", "clothes", "body", "other", "observed", "hidden")


def set_report(one: CaseSet, rows: Sequence[SubjectScore]) -> str:
    """The Markdown section of one set."""
    cases = {row.case for row in rows}
    parts = [f"## {one.name}", f"{one.note} {len(cases)} of {len(one.cases)} cases. Means over cases with 95 % bootstrap intervals."]
    if not all(row.metric for row in rows):
        parts.append("The size of some subjects is not known: read A2 there, not A0 and A1.")
    parts += [_differences(rows), *(_table(title, text, columns, rows) for title, text, columns in _TABLES)]
    regions = tuple((name, f"A1.p2s_{name}", 2) for name in _REGIONS)
    parts += [_table("P2S by region, rigidly aligned (A1), mm", "Truth to prediction.", regions, rows), _faces(rows), _strata(rows)]
    failed = [f"- {row.case}, {_title(row.method)}: {row.error}" for row in rows if row.error]
    if failed:
        parts += [f"**Failures**: {len(failed)}", "\n".join(failed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(
    title: str,
    text: str,
    columns: Sequence[tuple[str, str, int]],
    rows: Sequence[SubjectScore],
    cell: Callable[[np.ndarray, int], str] | None = None,
) -> str:
    write = cell or _cell
    columns = [column for column in columns if any(np.isfinite(row.values.get(column[1], np.nan)) for row in rows)]
    if not columns:
        return ""
    lines = ["| method | " + " | ".join(column for column, _, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for method in dict.fromkeys(row.method for row in rows):
        mine = [row for row in rows if row.method == method and row.values]
        cells = [write(np.array([row.values.get(key, np.nan) for row in mine]), digits) for _, key, digits in columns]
        lines.append(f"| {_title(method)} | " + " | ".join(cells) + " |")
    return "\n\n".join(part for part in (f"**{title}**", text, "\n".join(lines)) if part)


def _cell(values: np.ndarray, digits: int) -> str:
    mean, low, high = mean_interval(values)
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.{digits}f}" if low == high else f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _differences(rows: Sequence[SubjectScore]) -> str:
    """Every method against the reference on the cases that both could do: subjects differ more than methods, so pairs tell more."""
    measured = [row for row in rows if row.values]
    if not measured:
        return ""
    base = reference(list(dict.fromkeys(row.method for row in rows)))
    its = {row.case: row.values for row in measured if row.method == base}
    pairs = [replace(row, values=_minus(row.values, its[row.case])) for row in measured if row.method != base and row.case in its]
    text = "Mean over cases of the method's value minus the reference's, with 95 % bootstrap intervals of that mean; bold: "
    text += "five pairs or more, and it excludes 0."
    return _table(f"Differences to {_title(base)}, mm", text, _PAIRED, pairs, _difference)


def _minus(values: dict[str, float], others: dict[str, float]) -> dict[str, float]:
    return {name: value - others[name] for name, value in values.items() if name in others}


def _difference(values: np.ndarray, digits: int) -> str:
    mean, low, high = mean_interval(values)
    if not np.isfinite(mean):
        return "–"
    text = f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
    return f"**{text}**" if np.isfinite(values).sum() >= _FEWEST_PAIRS and (low > 0 or high < 0) else text


def _faces(rows: Sequence[SubjectScore]) -> str:
    """Errors of all samples of all subjects pooled, as NoW does."""
    lines = []
    for method in dict.fromkeys(row.method for row in rows):
        cells = []
        for name in ("now", "now_metric"):
            pooled = [row.face_errors[name] for row in rows if row.method == method and len(row.face_errors.get(name, ()))]
            errors = np.concatenate(pooled) if pooled else np.zeros(0)
            cells += [f"{value:.2f}" for value in (np.median(errors), errors.mean(), errors.std())] if len(errors) else ["–"] * 3
        lines.append(f"| {_title(method)} | " + " | ".join(cells) + " |")
    if all("–" in line for line in lines):
        return ""
    head = "| method | median | mean | sd | metrical median | mean | sd |\n" + "|---" * 7 + "|"
    text = "NoW's crop and fits, truth to prediction, with expression (so not NoW's numbers), pooled over all samples."
    return "\n\n".join(["**Face, mm**", text, "\n".join([head, *lines])])


def _strata(rows: Sequence[SubjectScore]) -> str:
    """Chamfer (A0, A2) of the reference by label."""
    chosen = reference([row.method for row in rows]) if rows else ""
    rows = [row for row in rows if row.method == chosen and "A0.chamfer" in row.values]
    lines = []
    for key in sorted({key for row in rows for key in row.labels}):
        values = sorted({row.labels[key] for row in rows if key in row.labels})
        for value in values if len(values) > 1 else ():
            mine = [row for row in rows if row.labels.get(key) == value]
            cells = [_cell(np.array([row.values[f"{name}.chamfer"] for row in mine]), 2) for name in ("A0", "A2")]
            lines.append(f"| {key}: {value} | {len(mine)} | {cells[0]} | {cells[1]} |")
    if not lines:
        return ""
    head = ["| stratum | cases | Chamfer A0 | Chamfer A2 |", "|---|---|---|---|"]
    return "\n\n".join([f"**{_title(rows[0].method)} by stratum, mm**", "\n".join([*head, *lines])])


def _title(method: str) -> str:
    return TITLES.get(method, method)


def write_csv(rows: Sequence[SubjectScore], path: Path) -> None:
    """One line a case and method with every measure."""
    labels = sorted({key for row in rows for key in row.labels})
    keys = sorted({key for row in rows for key in row.values})
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["set", "case", "method", "error", *labels, *keys])
        for row in rows:
            numbers = [f"{row.values[key]:.6g}" if np.isfinite(row.values.get(key, np.nan)) else "" for key in keys]
            writer.writerow([row.set_name, row.case, row.method, row.error, *(row.labels.get(key, "") for key in labels), *numbers])
