"""`likeness evaluate`: the whole command on one photo, and what it refuses at once."""

import csv
import json
import sys
from pathlib import Path

import pytest
import skimage
from PIL import Image

from likeness.cli.main import main


def test_photos_of_ones_own_are_measured_and_drawn(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    astronaut = Image.open(Path(skimage.__path__[0]) / "data" / "astronaut.png").convert("RGB")
    astronaut.save(photos / "a.png")
    Image.new("RGB", (200, 200)).save(photos / "empty.png")
    out = tmp_path / "out"
    code = main(["evaluate", "--photos", str(photos), "--methods", "mean,fitted", "--output", str(out), "--small"])
    assert code == 2 and "No face was found in empty.png" in capfd.readouterr().err
    (photos / "empty.png").unlink()
    assert main(["evaluate", "--photos", str(photos), "--methods", "mean,fitted", "--output", str(out), "--small"]) == 0
    assert [Path(line).name for line in capfd.readouterr().out.split()] == ["report.md", "subjects.csv", "photos.png", "environment.json"]
    rows = list(csv.DictReader((out / "subjects.csv").open()))
    assert [row["method"] for row in rows] == ["mean", "fitted"] and all(0.5 < float(row["silhouette_iou"]) <= 1 for row in rows)
    # The fit's landmarks are those that it was fitted to; the mean head's are farther off.
    assert float(rows[1]["landmark_error"]) < float(rows[0]["landmark_error"]) < 15
    assert json.loads((out / "environment.json").read_text())["effort"]["samples"] == 10_000


def test_an_environment_without_libigl_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    for name in [name for name in sys.modules if name.startswith("likeness.evaluation.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "igl", None)
    (tmp_path / "photos").mkdir()
    assert main(["evaluate", "--photos", str(tmp_path / "photos"), "--output", str(tmp_path / "out")]) == 3
    (words,) = capfd.readouterr().err.splitlines()
    assert "igl" in words and "use the development environment (make evaluate)." in words


def test_an_installed_zip_says_where_evaluate_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.setattr("likeness.cli.evaluate.find_spec", lambda name, package: None)
    (tmp_path / "photos").mkdir()
    assert main(["evaluate", "--photos", str(tmp_path / "photos"), "--output", str(tmp_path / "out")]) == 2
    (words,) = capfd.readouterr().err.splitlines()
    assert words.endswith("run it in a checkout of the repository.") and not (tmp_path / "out").exists()


def test_nothing_to_evaluate_is_a_sentence(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    assert main(["evaluate", "--output", str(tmp_path)]) == 2
    assert capfd.readouterr().err == "There is nothing to evaluate; give --set or --photos.\n"


def test_what_cannot_be_evaluated_is_said_at_once(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    one, other, out = tmp_path / "x" / "busts", tmp_path / "y" / "Busts", tmp_path / "out"
    one.mkdir(parents=True)
    other.mkdir(parents=True)
    for arguments, code, words in (
        (["--set", tmp_path / "missing", "--output", out], 2, "does not exist"),
        (["--set", one, "--output", one], 2, "would lie in"),
        (["--set", one, "--recogniser", tmp_path / "missing.bin", "--output", out], 2, "does not exist"),
        (["--set", one, "--set", other, "--output", out], 2, "Two of the sets are called Busts"),
        (["--set", one, "--output", out], 3, "is no evaluation set"),
    ):
        assert main(["evaluate", *map(str, arguments)]) == code
        assert words in capfd.readouterr().err
    assert not list(one.iterdir())


def test_a_foreign_report_is_not_replaced(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.md").write_text("my own report")
    (tmp_path / "busts").mkdir()
    assert main(["evaluate", "--set", str(tmp_path / "busts"), "--output", str(tmp_path / "out")]) == 2
    assert "report.md was not written by Likeness" in capfd.readouterr().err
