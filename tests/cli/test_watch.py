"""`likeness watch`: photos that arrive in a folder, with processes whose networks are stubs."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from likeness.cli import main
from likeness.cli.batch.rows import arrivals
from likeness.cli.batch.watch import Arrivals
from likeness.core.settings import Settings

A, B = Path("a.png"), Path("b.png")


def test_a_photo_is_given_once_when_it_has_stopped_growing():
    arriving = Arrivals()
    assert arriving.settled({A: (10, 1)}) == []
    assert arriving.settled({A: (20, 2)}) == []
    assert arriving.settled({A: (20, 2), B: (5, 2)}) == [A]
    assert arriving.settled({A: (20, 2), B: (5, 2)}) == [B]
    assert arriving.settled({A: (20, 2), B: (5, 2)}) == []


def test_a_photo_that_is_replaced_is_given_again():
    arriving = Arrivals()
    for found in ({A: (20, 2)}, {A: (20, 2)}, {A: (30, 9)}):
        arriving.settled(found)
    assert arriving.settled({A: (30, 9)}) == [A]


def test_the_names_of_earlier_photos_are_theirs_also_when_they_are_gone():
    folder = Path("in")
    rows = arrivals([folder / "a.jpg", folder / "b.png"], {str(folder / "a.png"): "a", str(folder / "b.png"): "b"}, folder, Settings())
    assert {row.photo.name: row.name for row in rows} == {"b.png": "b", "a.jpg": "a-2"}


def test_what_is_no_folder_is_refused(capfd, workers, picture, tmp_path):
    assert main.main(["watch", str(picture("a.png")), "--output", str(tmp_path / "out"), "--formats", "ply"]) == 2
    assert "is no folder" in capfd.readouterr().err


def test_results_never_come_into_the_folder_that_is_watched_with_its_folders(capfd, workers, picture):
    folder = picture("a.png").parent
    for output in (folder, folder / "heads"):
        assert main.main(["watch", str(folder), "--recursive", "--output", str(output), "--formats", "ply"]) == 2
        assert "choose another --output" in capfd.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_photos_that_arrive_are_made_until_it_is_stopped(start, picture, tmp_path):
    first = picture("a.png")
    child = start("watch", first.parent, "--output", tmp_path / "out", "--formats", "ply", "--every", "0.05", "--workers", "1")

    def wait_for(name: str) -> dict:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            assert child.poll() is None, child.communicate()[1]
            if (tmp_path / "out" / "summary.jsonl").exists():
                found = {e["name"]: e for e in map(json.loads, (tmp_path / "out" / "summary.jsonl").read_text().splitlines())}
                if name in found:
                    return found
            time.sleep(0.02)
        raise AssertionError(f"{name} was not made")

    wait_for("a")
    Image.new("RGB", (8, 8)).save(tmp_path / "late.png")
    os.replace(tmp_path / "late.png", first.parent / "late.png")
    found = wait_for("late")
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130 and "Cancelled" in said
    assert [entry["status"] for entry in found.values()] == ["done", "done"]
    assert (tmp_path / "out" / "late" / "late.ply").exists() and "late" in (tmp_path / "out" / "index.html").read_text()
