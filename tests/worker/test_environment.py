"""The real tools are replaced by a script that leaves the same traces; the real thing takes minutes and a network."""

import json
import sys
import threading
import time
from pathlib import Path

import pytest

from likeness.core.errors import Cancelled, WorkerError
from likeness.worker import environment
from likeness.worker.environment import EnvironmentStatus, install, python_of, remove, status

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake uv is a script with a shebang")

FAKE_UV = f"""#!{sys.executable}
import os, sys, time
from pathlib import Path

here = Path(__file__).parent
arguments = sys.argv[1:]
with (here / "calls").open("a") as calls:
    calls.write(" ".join(arguments) + "\\n")
step = "venv" if arguments[0] == "venv" else "torch" if any("torch==" in a for a in arguments) else "sync"
if (here / f"hang-{{step}}").exists():
    time.sleep(60)
if (here / f"fail-{{step}}").exists():
    sys.exit("the index is on fire")
if step == "venv":
    new = Path(arguments[arguments.index("--python") - 1])
    (new / "bin").mkdir(parents=True)
    (new / "bin" / "python").symlink_to(sys.executable)
    (new / "pyvenv.cfg").write_text(f"home = {{Path(sys.executable).parent}}\\n")
else:
    new = Path(arguments[arguments.index("--python") + 1]).parents[1]
    (new / step).write_text("x" * 5000)
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """The folder of the fake uv, first on the PATH; the self-test is taken as passed."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text(FAKE_UV)
    (tools / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr(environment, "check", lambda python, cancel=None: "all well")
    monkeypatch.setattr(environment, "nvidia_driver", lambda: False)
    return tools


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "Ünser Ordner" / "env"


def test_nothing_is_ready_at_first(folder):
    answer = status(folder)
    assert not answer.ready and answer.python is None and "Set Up Environment" in answer.reason


def test_a_set_up_makes_a_stamped_environment_and_reports_on_the_way(tools, folder):
    seen = []
    answer = install(folder, online=True, progress=lambda stage, fraction: seen.append((stage, fraction)))
    assert answer == status(folder)
    assert answer.ready and answer.python == python_of(folder / "env") and answer.size >= 10_000
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert {"Installing packages", "Installing PyTorch", "Testing"} <= {stage.partition(":")[0] for stage, _ in seen}
    assert {path.name for path in folder.iterdir()} == {"env", "setup.log"}
    calls = (tools / "calls").read_text()
    assert "--require-hashes" in calls and "--torch-backend=cpu" in calls


def test_the_cuda_build_is_asked_for_only_with_a_driver(tools, folder, monkeypatch):
    monkeypatch.setattr(environment, "nvidia_driver", lambda: True)
    install(folder, online=True)
    assert "--torch-backend=auto" in (tools / "calls").read_text()


def test_without_online_access_nothing_is_started(tools, folder):
    with pytest.raises(WorkerError, match=r"Online access is off; allow it"):
        install(folder, online=False)
    assert not (tools / "calls").exists() and not folder.exists()


def test_a_folder_of_wheels_needs_no_network(tools, folder, tmp_path):
    wheels = tmp_path / "räder"
    wheels.mkdir()
    assert install(folder, online=False, wheels=wheels).ready
    for call in (tools / "calls").read_text().splitlines()[1:]:
        assert f"--no-index --find-links {wheels} --offline" in call and "--torch-backend" not in call


def test_a_missing_folder_of_wheels_is_a_sentence(tools, folder, tmp_path):
    with pytest.raises(WorkerError, match="is no folder"):
        install(folder, online=False, wheels=tmp_path / "nowhere")


@pytest.mark.parametrize("step", ["venv", "sync"])
def test_a_failure_names_the_log_and_leaves_the_old_environment(tools, folder, step):
    install(folder, online=True)
    (folder / "env" / "old").touch()
    (tools / f"fail-{step}").touch()
    with pytest.raises(WorkerError, match=r"The set-up failed because .*setup.log and try again"):
        install(folder, online=True)
    assert status(folder).ready and (folder / "env" / "old").exists() and not (folder / "env.new").exists()
    assert "the index is on fire" in (folder / "setup.log").read_text()


def test_torch_falls_back_to_pip_and_its_cpu_build(tools, folder, tmp_path):
    (tools / "fail-torch").touch()
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/pip-calls"\n')
    python.chmod(0o755)
    assert install(folder, online=True, base_python=python).ready
    assert "install --no-deps --only-binary :all: torch==2.13.0+cpu" in (tmp_path / "pip-calls").read_text()


def test_a_failed_test_leaves_the_old_environment(tools, folder, monkeypatch):
    install(folder, online=True)

    def fail(python, cancel=None):
        raise WorkerError("torch is broken")

    monkeypatch.setattr(environment, "check", fail)
    with pytest.raises(WorkerError, match="failed its test"):
        install(folder, online=True)
    assert status(folder).ready and "torch is broken" in (folder / "setup.log").read_text()


def test_cancelling_ends_the_tool_at_once(tools, folder):
    install(folder, online=True)
    (tools / "hang-sync").touch()
    asked = threading.Event()
    threading.Timer(0.5, asked.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        install(folder, online=True, cancel=asked.is_set)
    assert time.monotonic() - start < 2.0
    assert status(folder).ready and not (folder / "env.new").exists()


def test_a_tool_that_hangs_is_ended(tools, folder, monkeypatch):
    monkeypatch.setattr(environment, "STALL_LIMIT", 1)
    (tools / "hang-sync").touch()
    with pytest.raises(WorkerError, match=r"packages could not be installed; see .*setup.log and try again"):
        install(folder, online=True)
    assert "Nothing has arrived" in (folder / "setup.log").read_text()


def test_a_repeated_set_up_replaces_the_environment(tools, folder):
    install(folder, online=True)
    (folder / "env" / "old").touch()
    assert install(folder, online=True).ready
    assert not (folder / "env" / "old").exists() and not (folder / "env.old").exists()


def test_other_packages_in_a_new_version_ask_for_an_update(tools, folder, monkeypatch):
    install(folder, online=True)
    monkeypatch.setattr(environment, "TORCH_VERSION", "3.0.0")
    answer = status(folder)
    assert not answer.ready and "needs other" in answer.reason and answer.size > 0


@pytest.mark.parametrize("loss", ["interpreter", "home"])
def test_a_vanished_base_python_asks_for_repair(tools, folder, tmp_path, loss):
    install(folder, online=True)
    if loss == "interpreter":
        python_of(folder / "env").unlink()
        python_of(folder / "env").symlink_to(tmp_path / "gone")
    else:
        (folder / "env" / "pyvenv.cfg").write_text(f"home = {tmp_path / 'gone'}\n")
    answer = status(folder)
    assert not answer.ready and "is gone" in answer.reason
    assert install(folder, online=True).ready


@pytest.mark.parametrize("stamp", ["", "[]", "{}", '{"recipe": 1, "size": null}', "\x00"])
def test_a_damaged_stamp_is_no_environment(tools, folder, stamp):
    install(folder, online=True)
    (folder / "env" / "stamp.json").write_text(stamp)
    assert not status(folder).ready


def test_a_full_disk_is_noticed_before_anything_is_fetched(tools, folder, monkeypatch):
    usage = environment.shutil.disk_usage("/")._replace(free=100 << 20)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WorkerError, match="has 100 MB left"):
        install(folder, online=True)
    assert not (tools / "calls").exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(tools, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkerError, match="cannot be changed"):
        install(tmp_path / "file" / "env", online=True)


def test_the_users_own_python_counts_when_it_is_there(folder, tmp_path):
    assert status(folder, Path(sys.executable)) == EnvironmentStatus(True, Path(sys.executable))
    assert "choose another Python" in status(folder, tmp_path / "none").reason


def test_removing_takes_everything(tools, folder):
    install(folder, online=True)
    remove(folder)
    assert not folder.exists()
    remove(folder)


def test_a_python_without_the_packages_fails_its_check(tmp_path):
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if not base.exists() or sys.base_prefix == sys.prefix:
        pytest.skip("the tests do not run in a virtual environment")
    with pytest.raises(WorkerError, match=r"cannot run Likeness \(.*No module named"):
        environment.check(base)


def test_a_program_that_is_no_python_fails_its_check():
    with pytest.raises(WorkerError, match="cannot run Likeness"):
        environment.check(Path("/bin/false"))


def test_the_lock_is_hashed_and_free_of_what_must_not_come():
    lines = environment.LOCK.read_text().splitlines()
    names = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert names and all(line.endswith("\\") for line in names)
    wanted = [line.partition("==")[0] for line in names if "'never'" not in line]
    assert {"numpy", "mediapipe", "opencv-python-headless"} <= set(wanted)
    assert not {"torch", "jax", "opencv-python", "opencv-contrib-python"} & set(wanted)


def test_the_stamp_is_plain_json(tools, folder):
    install(folder, online=True)
    assert set(json.loads((folder / "env" / "stamp.json").read_text())) == {"recipe", "size"}
