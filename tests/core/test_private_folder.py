import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from likeness.core import private_folder
from likeness.core.errors import LikenessError
from likeness.core.private_folder import PrivateFolder


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The system's temporary folder, its contents taken for old enough to be abandoned."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(private_folder, "_GRACE", -1.0)
    return tmp_path


@pytest.fixture
def other(temporary):
    """Another program with a folder of its own."""
    code = "import sys, time; from likeness.core.private_folder import PrivateFolder; f = PrivateFolder(); print(f.path, flush=True)"
    program = subprocess.Popen(
        [sys.executable, "-c", f"{code}; time.sleep(60)"], stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)}
    )
    assert program.stdout is not None
    program.folder = Path(program.stdout.readline().strip())
    (program.folder / "result.npz").write_bytes(b"x")
    yield program
    program.kill()
    program.communicate()


def test_a_folder_lives_as_long_as_its_block(temporary):
    with PrivateFolder() as folder:
        (folder.path / "file").touch()
        assert folder.path.parent == temporary and folder.path.name.startswith("likeness-")
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)])
def test_what_a_killed_program_left_is_cleared_by_the_next(other, number):
    other.send_signal(number)
    other.wait()
    assert other.folder.exists()
    with PrivateFolder():
        assert not other.folder.exists()


def test_the_folder_of_a_living_program_is_left_alone(other):
    with PrivateFolder() as mine:
        assert (other.folder / "result.npz").exists() and mine.path.exists()


def test_what_is_not_surely_ours_is_left_alone(temporary, monkeypatch):
    theirs, elsewhere = temporary / "likeness-photos", temporary / "work"
    theirs.mkdir()
    elsewhere.mkdir()
    (elsewhere / "owner.lock").touch()
    (temporary / "likeness-link").symlink_to(elsewhere)
    with PrivateFolder():
        assert theirs.exists() and (elsewhere / "owner.lock").exists()


def test_a_folder_that_was_made_this_moment_is_left_alone(temporary, monkeypatch):
    monkeypatch.setattr(private_folder, "_GRACE", 60.0)
    new = temporary / "likeness-new"
    new.mkdir()
    (new / "owner.lock").touch()
    with PrivateFolder():
        assert new.exists()
        os.utime(new / "owner.lock", (time.time() - 100,) * 2)
    with PrivateFolder():
        assert not new.exists()


def test_no_temporary_folder_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(LikenessError, match=r"Making a temporary folder failed because .*missing is missing .*; check that it exists"):
        PrivateFolder()
