"""Cases as files."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likeness.core.errors import AssetError
from likeness.core.photo.view import Camera
from likeness.evaluation.case import GRID, Case, CaseSet, Truth, write_set
from likeness.evaluation.methods import labelled, reference
from likeness.evaluation.report import SubjectScore, set_report


@pytest.fixture
def case() -> Case:
    rng = np.random.default_rng(0)
    truth = Truth(
        vertices=rng.normal(0, 0.1, (5, 3)).astype(np.float32), faces=np.array([[0, 1, 2], [2, 3, 4]], np.int32),
        region=np.array([0, 1, 1, 0, 1], np.uint8), region_names=("other", "face"), colours=rng.integers(0, 255, (5, 3)).astype(np.uint8),
        cells=np.zeros(GRID**3 // 8, np.uint8), partial=True,
    )  # fmt: skip
    photo = rng.integers(0, 255, (40, 32, 3)).astype(np.uint8)
    mask = (rng.random((40, 32)) > 0.5).astype(np.float32)
    return Case(
        "one", photo, truth=truth, camera=Camera((16.0, 20.0), 90.0, 1.5), landmarks=np.ones((468, 3)),
        landmark_pixels=np.ones((468, 2)), mask=mask, rotation=np.eye(3), labels={"yaw": "30"}, metric=False,
    )  # fmt: skip


@pytest.fixture
def folder(case: Case, tmp_path: Path) -> Path:
    case.save(tmp_path / "set" / "one")
    write_set(tmp_path / "set", "tiny", "One case.", ["one"], {"seed": 3})
    return tmp_path / "set"


def test_a_case_comes_back_as_it_was_saved(case: Case, folder: Path) -> None:
    opened = CaseSet.open(folder)
    (back,) = opened.read()
    assert opened.name == "tiny" and back.name == "one" and back.labels == case.labels and not back.metric
    assert back.truth is not None and case.truth is not None and back.truth.partial and back.truth.region_names == ("other", "face")
    for name in ("vertices", "faces", "region", "colours", "cells"):
        assert np.array_equal(getattr(back.truth, name), getattr(case.truth, name))
    assert back.camera == case.camera and np.array_equal(back.photo, case.photo) and np.array_equal(back.mask, case.mask)
    assert list(opened.read(0)) == []


def test_a_changed_file_is_noticed(folder: Path) -> None:
    Image.new("RGB", (32, 40)).save(folder / "one" / "photo.png")
    with pytest.raises(AssetError, match="SHA-256 differs"):
        list(CaseSet.open(folder).read())


@pytest.mark.parametrize("damage", [{"version": 9}, {"cases": [{"name": "../one", "files": {}}]}, {"cases": 3}])
def test_a_list_that_is_no_list_of_cases_is_refused(folder: Path, damage: dict) -> None:
    text = json.loads((folder / "set.json").read_text()) | damage
    (folder / "set.json").write_text(json.dumps(text))
    with pytest.raises(AssetError, match="no evaluation set"):
        CaseSet.open(folder)


@pytest.mark.parametrize(
    "change", [{"truth_faces": np.array([[0, 1, 99]])}, {"truth_vertices": np.full((5, 3), np.nan)}, {"rotation": np.eye(4)}]
)
def test_arrays_that_do_not_fit_are_refused(folder: Path, change: dict) -> None:
    with np.load(folder / "one" / "case.npz") as data:
        arrays = dict(data) | change
    np.savez(folder / "one" / "case.npz", **arrays)
    with pytest.raises(AssetError, match="not a case"):
        Case.load(folder / "one")


def test_a_file_that_would_fill_the_memory_is_refused(folder: Path) -> None:
    with (
        zipfile.ZipFile(folder / "one" / "case.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("text.npy", "w", force_zip64=True) as file,
    ):
        for _ in range(520):
            file.write(bytes(2**20))
    with pytest.raises(AssetError, match="larger than any case"):
        Case.load(folder / "one")


def test_a_report_shows_means_with_intervals_and_failures(folder: Path) -> None:
    rows = [
        SubjectScore("tiny", f"case{i}", "fitted", {"yaw": str(i % 2)}, True, {"A0.chamfer": 2.0 + i, "A2.chamfer": 1.0}) for i in range(4)
    ]
    rows.append(SubjectScore("tiny", "case4", "fitted", {}, True, error="No face was found."))
    text = set_report(CaseSet.open(folder), rows)
    assert "| fitted model alone | 3.50 [" in text and "yaw: 1 | 2 | 4.00" in text and "case4, fitted model alone: No face" in text


def test_methods_are_compared_on_the_cases_that_both_could_do(folder: Path) -> None:
    def rows(method: str, values: list[float]) -> list[SubjectScore]:
        return [SubjectScore("tiny", f"case{i}", method, {}, True, {"A0.chamfer": value}) for i, value in enumerate(values)]

    others = rows("run/field", [3.0, 8.0, 13.0, 18.0, 23.0, 99.0]) + rows("run/seif", [6.0, 8.0])
    failed = SubjectScore("tiny", "case5", "likeness", {}, True, error="No face was found.")
    text = set_report(CaseSet.open(folder), [*rows("fitted", [5.0]), *rows("likeness", [4.0, 9.0, 14.0, 19.0, 24.0]), failed, *others])
    table = text[text.index("Differences to Likeness, bundled networks") : text.index("Without alignment")]
    assert "| run/field | **-1.00 [-1.00, -1.00]** |" in table
    assert "| run/seif | +0.50 [-1.00, +2.00] |" in table and "| fitted model alone | +1.00 [" in table
    assert "Differences" not in set_report(CaseSet.open(folder), rows("likeness", [4.0]))


def test_fields_are_called_after_their_files_and_folders_where_it_takes_these() -> None:
    one, other, third = Path("/a/run/field.safetensors"), Path("/b/run/field.safetensors"), Path("/b/run/likeness.safetensors")
    assert labelled([one, third, one]) == {"field": one, "likeness (file)": third}
    assert list(labelled([one, other, third])) == ["a/run/field", "b/run/field", "b/run/likeness"]
    assert labelled([]) == {}


def test_the_product_is_the_reference_and_else_the_first_field() -> None:
    assert reference(["mean", "likeness", "field"]) == "likeness"
    assert reference(["mean", "fitted", "jiff", "seif"]) == "jiff"
    assert reference(["mean", "fitted"]) == "fitted"
