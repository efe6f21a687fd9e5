"""Whatever goes wrong in an operator, the user reads one sentence; what nobody foresaw leaves a report."""

import errno
import tempfile
from pathlib import Path

import bpy
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def failure(part, preferences, stub_python):
    preferences.existing_python = str(stub_python)
    return part("operators.failure")


@pytest.fixture
def photo(part, tmp_path):
    path = tmp_path / "Grace.png"
    path.write_bytes(part("scene.photo").png_bytes(np.full((8, 8, 4), 200, np.uint8)))
    bpy.ops.likeness.load_photo(filepath=str(path))


def _operators(part) -> list[type]:
    return [cls for cls in part("operators").CLASSES if issubclass(cls, bpy.types.Operator)]


def _call(cls: type, **options):
    module, _, name = cls.bl_idname.partition(".")
    return getattr(getattr(bpy.ops, module), name)(**options)


def _raising(error):
    def method(*_, **__):
        raise error

    return method


def test_bugs_of_any_operator_become_a_sentence_and_a_report(part, failure, monkeypatch):
    base, job = part("operators.base"), part("operators.job")
    for cls in _operators(part):
        failure.forget()
        monkeypatch.setattr(cls, "refusal", classmethod(lambda *_: ""))
        monkeypatch.setattr(cls, "start_job" if issubclass(cls, job.JobOperator) else "run", _raising(ZeroDivisionError("a bug")))
        if hasattr(cls, "_begin"):
            monkeypatch.setattr(cls, "_begin", job.JobOperator._begin)
        assert issubclass(cls, base.LikenessOperator)
        with pytest.raises(RuntimeError, match=r"failed unexpectedly \(ZeroDivisionError: a bug\); please report this") as caught:
            _call(cls)
        assert "Traceback" not in str(caught.value) and job.current() is None
        found = failure.last()
        assert found.path.read_text(encoding="utf-8") == found.report and found.path.parent == failure.error_folder()
        for part_of_report in (f"Operator: {cls.bl_label}", f"Blender: {bpy.app.version_string}", "quality: standard"):
            assert part_of_report in found.report


def test_bug_after_the_job_leaves_nothing_running(part, failure, monkeypatch, photo):
    monkeypatch.setattr(part("operators.reconstruct"), "build_result", _raising(KeyError("a bug")))
    with pytest.raises(RuntimeError, match="please report this"):
        bpy.ops.likeness.reconstruct()
    assert part("operators.job").current() is None and "Log\n" in failure.last().report
    monkeypatch.undo()
    assert bpy.ops.likeness.reconstruct() == {"FINISHED"} and failure.last() is None


def test_report_of_a_dead_worker_holds_its_last_words_and_no_home(part, failure, tmp_path, photo):
    bpy.context.scene.likeness.photo.name = "killed"
    path = tmp_path / "killed.png"
    path.write_bytes((tmp_path / "Grace.png").read_bytes())
    bpy.ops.likeness.load_photo(filepath=str(path))
    with pytest.raises(RuntimeError, match=r"crashed|ended"):
        bpy.ops.likeness.reconstruct()
    report = failure.last().report
    assert "WorkerError" in report and str(Path.home()) + "/" not in report and str(tmp_path) not in report


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), r"no space left for /tmp/x .*; free some"),
        (PermissionError(errno.EACCES, "Permission denied", "/tmp/x"), "/tmp/x may not be read or written"),
        (OSError(errno.ENODEV, "No such device", "Z:/"), "the disk of Z:/ does not answer"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), "No usable temporary directory"),
    ],
)
def test_refusals_of_the_system_are_one_sentence(monkeypatch, photo, error, sentence):
    monkeypatch.setattr(tempfile, "mkdtemp", _raising(error))
    with pytest.raises(RuntimeError, match=sentence) as caught:
        bpy.ops.likeness.reconstruct()
    assert "Traceback" not in str(caught.value)


def test_full_disk_still_leaves_a_report_to_copy(part, failure, monkeypatch, photo):
    monkeypatch.setattr(failure, "write_error_report", _raising(part("core.errors").InputError("The disk is full.")))
    monkeypatch.setattr(part("operators.reconstruct"), "Reconstruction", _raising(OSError(errno.ENOSPC, "No space left", "/tmp/x")))
    with pytest.raises(RuntimeError, match="no space left for /tmp/x"):
        bpy.ops.likeness.reconstruct()
    assert failure.last().path is None and "No space left" in failure.last().report


def test_only_the_newest_error_files_are_kept(failure, tmp_path):
    for number in range(failure.KEPT + 5):
        (tmp_path / f"likeness-error-20260101-{number:06d}.txt").touch()
    failure._thin_out(tmp_path / f"likeness-error-20260101-{failure.KEPT + 4:06d}.txt")
    names = sorted(path.name for path in tmp_path.glob("*.txt"))
    assert len(names) == failure.KEPT and names[0].endswith("000005.txt")


def test_the_error_file_that_was_just_written_stays_whatever_it_is_called(failure, tmp_path):
    for number in range(2, failure.KEPT + 5):
        (tmp_path / f"likeness-error-20260101-000000-{number}.txt").touch()
    newest = tmp_path / "likeness-error-20260101-000000.txt"
    newest.touch()
    failure._thin_out(newest)
    assert newest.exists() and len(list(tmp_path.glob("*.txt"))) == failure.KEPT


def test_panel_offers_the_report_until_the_next_job(part, failure, layout, monkeypatch, photo):
    panel = part("panels.sidebar").LIKENESS_PT_reconstruct

    def drawn() -> str:
        layout.calls.clear()
        panel.draw(type("Drawn", (), {"layout": layout})(), bpy.context)
        return str(layout.calls)

    assert "likeness.copy_report" not in drawn() and not bpy.ops.likeness.copy_report.poll()
    failure.record(bpy.context, ValueError("x"), "Reconstruct", ())
    assert "likeness.copy_report" in drawn() and "failed" in drawn()
    assert bpy.ops.likeness.copy_report() == {"FINISHED"}
    bpy.ops.likeness.reconstruct()
    assert "likeness.copy_report" not in drawn()


def test_self_test_is_copied_and_missing_reports_are_said(part):
    part("operators.self_test").summary = "Self-test passed.\ntorch 2"
    assert bpy.ops.likeness.copy_report(report_of="SELF_TEST") == {"FINISHED"}
    with pytest.raises(RuntimeError, match="no such report"):
        bpy.ops.likeness.copy_report()
