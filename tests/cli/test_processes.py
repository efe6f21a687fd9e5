"""The command line as a process, with a worker that is one: crashes, signals, pipes that nobody reads. Only the pipeline is a stub."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from likeness.cli.head import HeadPlan
from likeness.cli.main import main

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these signals nor these shells")
PLY = ("--formats", "ply")


def until(condition, limit=30.0):
    deadline = time.monotonic() + limit
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return met


def in_shell(package: Path, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which `likeness` is the command line."""
    program = shlex.join([sys.executable, str(package / "worker" / "launch.py"), "likeness.cli.main"])
    line = f'set -o pipefail\nlikeness() {{ {program} "$@"; }}\n{line}'
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, env={**os.environ, **variables}, check=False)


def test_a_crash_costs_one_photo(worker_process, capfd, picture, tmp_path):
    out = tmp_path / "out"
    photos = [picture(f"{name}.png") for name in ("segfault", "one", "greedy", "killed", "bug", "two")]
    assert main(["reconstruct", *map(str, photos), "--output", str(out), *PLY]) == 3
    said = capfd.readouterr()
    sentences = said.err.splitlines()
    assert len(sentences) == 4 and all("The error file is" in line for line in sentences)
    assert [line.partition(":")[0] for line in sentences] == ["segfault.png", "greedy.png", "killed.png", "bug.png"]
    assert "memory" in sentences[1] and "memory" in sentences[2] and "KeyError" in sentences[3]
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["one", "two"]
    assert "Traceback" in Path(sentences[3].partition(" error file is ")[2].rstrip(".")).read_text()
    pids = [json.loads((out / name / "report.json").read_text())["pid"] for name in ("one", "two")]
    assert pids[0] != pids[1]


def test_what_libraries_say_is_shown_only_when_asked(start, picture, tmp_path):
    photo = picture("a.png")
    quiet = start("reconstruct", photo, "--output", tmp_path / "out", *PLY).communicate()
    assert quiet[1] == "" and len(quiet[0].splitlines()) == 3
    assert "a library in C++ speaks" in start("reconstruct", photo, "--output", tmp_path / "out", *PLY, "--verbose").communicate()[1]


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_and_leaves_nothing(start, picture, tmp_path, number):
    child = start("reconstruct", picture("deaf.png"), picture("a.png"), "--output", tmp_path / "out", *PLY, start_new_session=True)
    assert until(lambda: list(tmp_path.glob("out/deaf/.likeness-work/scratch")))
    time.sleep(0.5)
    begun = time.monotonic()
    child.send_signal(number)
    child.send_signal(number)  # as `timeout` does
    out, err = child.communicate(timeout=10)
    assert (child.returncode, out, err) == (130, "", "Cancelled; no incomplete file was left behind.\n")
    assert time.monotonic() - begun < 3 and not (tmp_path / "out").exists()


@posix
def test_a_killed_run_is_cleared_by_the_next(start, picture, tmp_path):
    photo, out = picture("deaf.png"), tmp_path / "out"
    child = start("reconstruct", photo, "--output", out, *PLY)
    assert until(lambda: list(out.glob(".likeness-work/scratch")))
    second = start("reconstruct", picture("a.png"), "--output", out, *PLY)
    assert "Another run of Likeness is writing into" in second.communicate()[1] and second.returncode == 2
    child.kill()
    child.communicate()
    assert [path.name for path in out.iterdir()] == [".likeness-work"]
    third = start("reconstruct", picture("a.png"), "--output", out, *PLY)
    assert third.communicate()[1] == "" and third.returncode == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.ply", "preview.png", "report.json"]


@posix
def test_control_c_that_a_library_takes_for_another_error_still_stops_everything(run, picture, tmp_path, monkeypatch):
    def make(*arguments):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:  # as numpy does while it is imported
            raise ImportError("a library is broken") from error

    monkeypatch.setattr(HeadPlan, "make", make)
    code, said = run(picture("a.png"), picture("b.png"), "--output", tmp_path / "out", *PLY)
    assert (code, said.err) == (130, "Cancelled; no incomplete file was left behind.\n")


class Interrupting:
    """A module during whose import Ctrl-C is pressed."""

    def __getattr__(self, name):
        raise KeyboardInterrupt


def test_control_c_while_modules_load_shows_no_traceback(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "likeness.cli.parser", Interrupting())
    assert main(["--help"]) == 130
    assert capfd.readouterr().err == "Cancelled; no incomplete file was left behind.\n"


def test_control_c_is_seen_to_before_anything_slow_loads():
    code = "import sys; before = set(sys.modules); import likeness.cli.main; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"argparse", "logging", "json", "subprocess", "numpy", "likeness.core"} & set(done.stdout.split())


@posix
def test_consoles_that_are_narrow_closed_or_not_read_are_no_failure(package, picture, tmp_path):
    picture("顔.png")
    arguments = f"reconstruct {tmp_path}/in/*.png --output {tmp_path}/out --formats ply"
    for line in (
        f"likeness {arguments} | head -0",
        f"likeness {arguments} >&-",
        f"likeness {arguments} >&- 2>&- <&-",
        "likeness --help | head -0",
    ):
        done = in_shell(package, line)
        assert (done.returncode, done.stderr) == (0, ""), line
    done = in_shell(package, f"likeness {arguments}", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "") and r"\u9854.ply" in done.stdout


@posix
def test_temporary_folders_that_are_missing_are_no_failure(package, picture, tmp_path):
    picture("a.png")
    done = in_shell(
        package, f"likeness reconstruct {tmp_path}/in/a.png --output {tmp_path}/out --formats ply", TMPDIR=str(tmp_path / "none")
    )
    assert (done.returncode, done.stderr) == (0, "")


@posix
def test_blender_ends_with_whoever_started_it(tmp_path):
    program, gone = tmp_path / "blender", tmp_path / "gone"
    started = tmp_path / "started"
    program.write_text(f"#!{sys.executable}\nimport pathlib, sys\npathlib.Path({str(started)!r}).touch()\n"
                       f"sys.stdin.read()\npathlib.Path({str(gone)!r}).touch()\n")  # fmt: skip
    program.chmod(0o755)
    code = (
        "from pathlib import Path\nfrom likeness.cli.blender import BlenderWriter\n"
        f"BlenderWriter([{str(program)!r}]).write(Path('result.npz'), [Path('head.blend')])\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        assert until(started.exists)
        assert not gone.exists()
        parent.kill()
    assert until(gone.exists)
