"""What is refused before anything is loaded."""

import os
import subprocess
import sys
import time
import types

import pytest
from PIL import Image

from likeness.cli import checks
from likeness.cli.checks import check_file, check_photo
from likeness.core.errors import InputError
from likeness.core.photo import decode


def test_a_sound_photo_is_not_decoded(picture, monkeypatch):
    photo = picture("a.png")
    monkeypatch.setattr(decode, "read_photo", lambda path: pytest.fail("decoded"))
    check_photo(photo)


@pytest.mark.parametrize(
    ("name", "make", "sentence"),
    [
        ("missing.png", lambda path: None, "does not exist; check the path"),
        ("folder.png", lambda path: path.mkdir(), "is a folder; choose a photo in it"),
        ("empty.png", lambda path: path.touch(), "is empty"),
        ("text.png", lambda path: path.write_text("no picture"), "is not a JPEG, PNG, WebP, HEIC, AVIF, TIFF or BMP"),
        ("gif.png", lambda path: Image.new("P", (4, 4)).save(path, "GIF"), "is not a JPEG, PNG, WebP, HEIC, AVIF, TIFF or BMP"),
        ("huge.png", lambda path: Image.new("1", (20_000, 20_000)).save(path), "more than 100 megapixels"),
        ("pipe.png", lambda path: os.mkfifo(path) if hasattr(os, "mkfifo") else path.mkdir(), "choose a photo"),
        ("loop.png", lambda path: path.symlink_to(path), "cannot be read|does not exist"),
    ],
)
def test_an_unusable_photo_is_refused_at_once(run, workers, tmp_path, name, make, sentence):
    make(tmp_path / name)
    begun = time.monotonic()
    code, said = run(tmp_path / name, "--output", tmp_path / "out", "--formats", "ply")
    assert time.monotonic() - begun < 1
    assert code == 2 and said.err.count("\n") == 1
    with pytest.raises(InputError, match=sentence):
        check_photo(tmp_path / name)
    assert not workers and not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_refused_at_once(run, workers, picture, tmp_path):
    (tmp_path / "file").touch()
    photos = [picture("a.png"), picture("b.png")]
    for arguments in (
        [photos[0], "--output", tmp_path / "file"],
        [photos[0], "--output", tmp_path / "file" / "out"],
        [photos[0], "--output", tmp_path / "out", "--report", tmp_path / "file" / "r.json"],
        [*photos, "--output", tmp_path / "file" / "out"],
    ):
        code, said = run(*arguments, "--formats", "ply")
        assert code == 2 and "cannot be written" in said.err and said.err.count("\n") == 1
    assert not workers and not (tmp_path / "out").exists()


def test_a_photo_is_never_the_report(run, workers, picture, tmp_path):
    photo = picture("a.png")
    before = photo.read_bytes()
    code, said = run(photo, "--output", tmp_path / "out", "--formats", "ply", "--report", photo, "--overwrite")
    assert code == 2 and "would replace" in said.err and photo.read_bytes() == before and not workers


def test_a_photo_called_preview_stays_what_it_is(run, workers, picture, tmp_path):
    photo = picture("preview.png")
    before = photo.read_bytes()
    code, said = run(photo, "--output", photo.parent, "--formats", "ply")
    assert code == 2 and "would replace" in said.err and photo.read_bytes() == before and not workers


def test_a_photo_without_a_name_stays_inside_the_output_folder(run, picture, tmp_path):
    code, said = run(picture("...png"), picture("b.png"), "--output", tmp_path / "x" / "out", "--formats", "ply")
    assert code == 0, said.err
    assert (tmp_path / "x" / "out" / "photo" / "photo.ply").exists()
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["out"]


def test_a_missing_detector_is_told_at_once(run, workers, picture, tmp_path, monkeypatch):
    arguments = [picture("a.png"), "--output", tmp_path / "out", "--formats", "ply", "--detector", "face-alignment"]
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    begun = time.monotonic()
    code, said = run(*arguments)
    assert time.monotonic() - begun < 1
    assert code == 3 and said.err.startswith("The detector face-alignment needs the package") and said.err.count("\n") == 1
    package = types.ModuleType("face_alignment")
    package.__spec__ = types.SimpleNamespace(name="face_alignment")
    monkeypatch.setitem(sys.modules, "face_alignment", package)
    code, said = run(*arguments, "--detector-weights", tmp_path / "w.tar")
    assert code == 2 and said.err.startswith(f"{tmp_path / 'w.tar'} cannot be read; check") and said.err.count("\n") == 1
    (tmp_path / "w.tar").write_bytes(b"weights")
    code, said = run(*arguments, "--detector-weights", tmp_path / "w.tar")
    assert code == 0, said.err


def test_a_missing_flame_file_is_refused_at_once(run, workers, picture, tmp_path):
    code, said = run(picture("a.png"), "--output", tmp_path / "out", "--formats", "ply", "--rig", "--flame", tmp_path / "f.pkl")
    assert code == 2 and "f.pkl cannot be read; check that the FLAME file is there" in said.err and not workers
    with pytest.raises(InputError):
        check_file(tmp_path, "FLAME file")


@pytest.mark.parametrize("option", ["normals", "matte"])
def test_a_missing_detail_network_is_refused_at_once(run, workers, picture, tmp_path, option):
    code, said = run(picture("a.png"), "--output", tmp_path / "out", "--formats", "ply", f"--{option}", tmp_path / "n.onnx")
    assert code == 2 and f"n.onnx cannot be read; check that the {option.capitalize()} file is there" in said.err and not workers


def test_a_detail_network_is_never_the_report(run, workers, picture, tmp_path):
    network = tmp_path / "n.onnx"
    network.write_bytes(b"weights")
    arguments = ("--output", tmp_path / "out", "--formats", "ply", "--normals", network, "--report", network, "--overwrite")
    code, said = run(picture("a.png"), *arguments)
    assert code == 2 and "would replace" in said.err and network.read_bytes() == b"weights" and not workers


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may read everything")
def test_an_unreadable_photo_is_a_sentence(picture):
    photo = picture("a.png")
    photo.chmod(0)
    with pytest.raises(InputError, match="cannot be read"):
        check_photo(photo)


def test_checking_loads_no_networks(picture, tmp_path):
    script = (
        "import sys; from likeness.cli import main, reconstruct\n"
        "reconstruct.Processes = lambda blender: sys.exit(str({'torch', 'mediapipe', 'cv2', 'scipy', 'trimesh'} & set(sys.modules)))\n"
        "main.main(sys.argv[1:])"
    )
    photos = [*(picture(f"{number}.png") for number in range(20)), tmp_path / "no.png"]
    command = [sys.executable, "-c", script, "reconstruct", *map(str, photos), "--formats", "ply", "--output", "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stderr.splitlines() == [f"{tmp_path / 'no.png'} does not exist; check the path.", "set()"]
    assert not (tmp_path / "out").exists()


def test_the_reader_itself_has_the_last_word(picture, monkeypatch):
    monkeypatch.setattr(checks, "_has_bearable_header", lambda path: False)
    check_photo(picture("a.png"))
