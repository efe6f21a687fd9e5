"""Sets of files: nothing of the user's is replaced, and a set is all new or all old."""

import json
import os
import sys
from pathlib import Path

import pytest

from likeness.cli import output as output_module
from likeness.cli.output import Inputs, OutputSet
from likeness.cli.staging import FolderInUse, Staging, exchange
from likeness.core.errors import InputError

NAMES = ("a.glb", "preview.png")


def claimed(folder: Path, *inputs: Path, **options) -> OutputSet:
    return OutputSet(folder, NAMES, options.pop("report", folder / "report.json"), Inputs(inputs), **options)


def write(folder: Path, text: str, *inputs: Path, **options) -> list[Path]:
    with claimed(folder, *inputs, **options) as outputs:
        for name in NAMES:
            (outputs.new / name).write_text(text)
        return outputs.commit({"version": text})


def contents(folder: Path) -> dict[str, str]:
    """Of all files, the hidden ones, too."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_set_appears_as_a_whole(tmp_path):
    out = tmp_path / "x" / "out"
    with claimed(out) as outputs:
        (outputs.new / "a.glb").write_text("1")
        assert not (out / "a.glb").exists()
        assert outputs.commit({}) == [out / "a.glb", out / "report.json"]  # what was not made is not missed
    assert sorted(contents(out)) == ["a.glb", "report.json"]


def test_what_was_not_committed_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), claimed(tmp_path / "x" / "out") as outputs:
        (outputs.new / "a.glb").write_text("1")
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.glb", "preview.png", "report.json"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_no_input_is_replaced(tmp_path, name, overwrite):
    (tmp_path / name).write_text("a photo")
    with pytest.raises(InputError, match=f"{name} of the result would replace .*{name}, which this run reads; choose another"):
        claimed(tmp_path, tmp_path / name, overwrite=overwrite)
    assert contents(tmp_path) == {name: "a photo"}


def test_an_input_is_known_under_other_names(tmp_path):
    out, photo = tmp_path / "out", tmp_path / "photo.jpg"
    out.mkdir()
    photo.write_text("a photo")
    (out / "preview.png").hardlink_to(photo)
    with pytest.raises(InputError, match=r"preview.png of the result would replace .*photo.jpg"):
        claimed(out, photo, overwrite=True)
    (out / "preview.png").unlink()
    (out / "PREVIEW.png").write_text("another photo")  # the same file elsewhere, where cases are not told apart
    with pytest.raises(InputError, match=r"preview.png of the result would replace .*PREVIEW.png"):
        claimed(out, out / "PREVIEW.png", overwrite=True)


def test_a_foreign_file_is_replaced_only_when_told(tmp_path):
    for name in (*NAMES, "report.json"):
        (tmp_path / name).write_text('{"version": "mine"}')
        with pytest.raises(InputError, match=f"{name} was not written by Likeness, or was changed since; .*--overwrite"):
            claimed(tmp_path)
        assert contents(tmp_path) == {name: '{"version": "mine"}'}
        (tmp_path / name).unlink()
    (tmp_path / "a.glb").write_text("mine")
    write(tmp_path, "1", overwrite=True)
    assert contents(tmp_path)["a.glb"] == "1"


def test_our_own_files_are_replaced_until_somebody_changes_them(tmp_path):
    write(tmp_path, "1")
    write(tmp_path, "2")
    assert contents(tmp_path)["a.glb"] == "2"
    (tmp_path / "a.glb").write_text("sculpted for hours")
    with pytest.raises(InputError, match="changed since"):
        claimed(tmp_path)
    assert json.loads(contents(tmp_path)["report.json"])["version"] == "2"


def test_a_file_that_appears_during_the_run_is_not_replaced(tmp_path):
    with claimed(tmp_path) as outputs:
        (outputs.new / "a.glb").write_text("1")
        (tmp_path / "a.glb").write_text("mine")
        with pytest.raises(InputError, match="was not written by Likeness"):
            outputs.commit({})
    assert contents(tmp_path) == {"a.glb": "mine"}


def test_what_is_no_file_is_refused_whatever_is_said(tmp_path):
    (tmp_path / "a.glb").mkdir()
    with pytest.raises(InputError, match=r"a.glb is no file that could be replaced"):
        claimed(tmp_path, overwrite=True)
    with pytest.raises(InputError, match="is no file that could be replaced"):
        claimed(tmp_path / "out", report=tmp_path / "out" / "..", overwrite=True)
    if sys.platform != "win32":
        with pytest.raises(InputError, match="null is no file"):
            claimed(tmp_path / "out", report=Path(os.devnull), overwrite=True)


def test_a_report_has_no_name_of_another_file(tmp_path):
    with pytest.raises(InputError, match=r"Preview.PNG is the name of another file"):
        claimed(tmp_path, report=tmp_path / "Preview.PNG")


@pytest.mark.parametrize("failing", range(1, 7))
def test_a_set_is_all_old_when_one_file_cannot_be_replaced(tmp_path, monkeypatch, failing):
    """As on Windows, where another program has it open; whichever of the renamings it is. The report lies elsewhere."""
    out, report = tmp_path / "out", tmp_path / "reports" / "r.json"
    write(out, "old", report=report)
    before = contents(tmp_path)
    rename, count = Path.rename, 0

    def refuse(self, target):
        nonlocal count
        count += 1
        if count == failing:
            raise PermissionError(13, "The file is open in another program", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InputError, match=r"cannot be written \(The file is open in another program\); choose another"):
        write(out, "new", report=report)
    assert contents(tmp_path) == before
    write(out, "new", report=report)
    assert {text for name, text in contents(tmp_path).items() if "reports" not in name} == {"new"}


def test_a_file_that_could_not_even_be_put_back_is_kept_for_the_next_run(tmp_path, monkeypatch):
    write(tmp_path, "old")
    before, rename, count = contents(tmp_path), Path.rename, 0

    def refuse(self, target):
        nonlocal count
        count += 1
        if count > 2:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(InputError, match="Input/output error"):
        write(tmp_path, "new")
    monkeypatch.undo()
    claimed(tmp_path).close()
    assert contents(tmp_path) == before


class Killed(BaseException):
    pass


@pytest.mark.parametrize("survived", range(7))
def test_a_run_killed_while_it_replaces_files_is_ended_by_the_next(tmp_path, monkeypatch, survived):
    write(tmp_path, "old")
    old, rename, count = contents(tmp_path), Path.rename, 0

    def die(self, target):
        nonlocal count
        if count == survived:
            raise Killed
        count += 1
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", die)
    monkeypatch.setattr(Staging, "_remove", lambda self: self._lock.close())  # the system frees the lock of the dead
    try:
        write(tmp_path, "new")
    except Killed:
        assert (tmp_path / ".likeness-work").exists()
    monkeypatch.undo()
    claimed(tmp_path).close()
    found = contents(tmp_path)
    assert found == old if survived < 3 else json.loads(found.pop("report.json"))["version"] == "new" and set(found.values()) == {"new"}


def test_clearing_up_never_replaces_what_the_user_has_put_there_since(tmp_path):
    staging = Staging(tmp_path)
    for folder, text in ((staging.new, "new"), (staging.old, "old")):
        for name in NAMES:
            (folder / name).write_text(text)
    staging.complete.touch()
    staging._lock.close()
    (tmp_path / "a.glb").write_text("mine")
    Staging(tmp_path).close()
    assert contents(tmp_path) == {"a.glb": "mine", "preview.png": "old"}


def test_leftovers_of_a_killed_run_are_cleared(tmp_path):
    staging = Staging(tmp_path)
    (staging.new / "a.glb").write_text("half a mesh")
    (staging.scratch / "result.part.npz").write_text("half a result")
    staging._lock.close()  # as the system does when a process ends
    write(tmp_path, "1")
    assert sorted(contents(tmp_path)) == ["a.glb", "preview.png", "report.json"]


def test_a_run_that_is_alive_keeps_its_folder(tmp_path):
    with claimed(tmp_path) as outputs:
        (outputs.new / "a.glb").write_text("1")
        with pytest.raises(FolderInUse, match="Another run of Likeness is writing into"):
            claimed(tmp_path)
        outputs.commit({})
    assert sorted(contents(tmp_path)) == ["a.glb", "report.json"]


def test_names_that_nobody_has_chosen_stay_hidden(tmp_path):
    with claimed(tmp_path) as outputs:
        (outputs.new / "a.glb").write_text("1")
        (outputs.new / "a.glb@").write_text("left by a program")
        outputs.commit({})
    assert sorted(contents(tmp_path)) == ["a.glb", "report.json"]


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.* cannot be written \(.*\); choose another --output\."):
        claimed(tmp_path / "file" / "out")
    with pytest.raises(InputError, match=r"reports.* cannot be written"):
        (tmp_path / "reports").touch()
        claimed(tmp_path / "out", report=tmp_path / "reports" / "r.json")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(InputError, match="Permission denied"):
            claimed(tmp_path)
    finally:
        tmp_path.chmod(0o755)


def test_a_full_disk_is_a_sentence_and_leaves_the_old_set(tmp_path, monkeypatch):
    write(tmp_path, "old")
    before = contents(tmp_path)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    with claimed(tmp_path) as outputs:
        (outputs.new / "a.glb").write_text("new")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_text", full)
            with pytest.raises(InputError, match="No space left on device"):
                outputs.commit({})
    assert contents(tmp_path) == before


def test_reports_of_others_are_not_trusted(tmp_path):
    for text in ("", "[]", '{"generator": "Likeness"}', '{"generator": "Likeness", "files": 3}', "[" * 100_000, "\udcff"):
        (tmp_path / "report.json").write_text(text, errors="surrogateescape")
        assert output_module._listed(tmp_path / "report.json") is None


def test_exchange_of_nothing_is_nothing():
    exchange([])


def test_sentences_name_the_place_and_not_the_hidden_folder(tmp_path):
    with claimed(tmp_path / "out") as outputs:
        text = f"{outputs.new / 'a.glb'} and {outputs.scratch / 'result.npz'} cannot be written."
        assert outputs.as_seen(text) == f"{tmp_path / 'out' / 'a.glb'} and {tmp_path / 'out' / 'result.npz'} cannot be written."
