"""`likeness batch` as its user sees it: rows, what is skipped, what is tried again, summaries and the page. Workers are stubs."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import skimage

from likeness.cli import main
from likeness.cli.batch import sheet
from likeness.cli.batch.pool import worker_count
from likeness.cli.batch.rows import read_rows
from likeness.core.errors import InputError
from likeness.core.settings import Settings

FORMATS = ("--formats", "ply")


@pytest.fixture
def batch(capfd, workers, tmp_path):
    """Runs `likeness batch INPUT` into `out`; gives the exit code and what was said."""

    def call(*arguments):
        code = main.main(["batch", *map(str, arguments), "--output", str(tmp_path / "out"), *FORMATS])
        return code, capfd.readouterr()

    return call


def entries(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "summary.jsonl").read_text().splitlines()]


def made(workers) -> list[str]:
    """Photos that were reconstructed so far, in order of their names."""
    return sorted(photo.name for worker in workers for photo in worker.photos)


def test_a_folder_gives_a_folder_for_each_photo_and_summaries_in_natural_order(batch, picture, tmp_path):
    for name in ("10.png", "2.png", "notes.txt", ".hidden.png"):
        picture(name)
    picture("deep/3.png")
    code, said = batch(tmp_path / "in")
    assert code == 0, said.err
    assert [entry["name"] for entry in entries(tmp_path / "out")] == ["2", "10"]
    assert (tmp_path / "out" / "2" / "2.ply").exists() and "2 of 2 done" in said.err
    assert (tmp_path / "out" / "summary.csv").read_text().splitlines()[1].startswith("2,")


def test_folders_inside_are_kept_with_recursive(batch, picture, tmp_path):
    picture("a.png"), picture("deep/a.png")
    assert batch(tmp_path / "in", "--recursive")[0] == 0
    assert [entry["name"] for entry in entries(tmp_path / "out")] == ["a", "deep/a"]
    assert (tmp_path / "out" / "deep" / "a" / "a.ply").exists()


def test_wildcards_and_lists(picture, tmp_path):
    picture("a.png"), picture("b.jpg"), picture("notes.txt")
    assert [row.name for row in read_rows(str(tmp_path / "in" / "*"), Settings())] == ["a", "b"]
    (tmp_path / "list.txt").write_text("# mine\nin/b.jpg\n\nin/a.png\n")
    rows = read_rows(str(tmp_path / "list.txt"), Settings())
    assert [row.photo for row in rows] == [tmp_path / "in" / "b.jpg", tmp_path / "in" / "a.png"]


def test_a_manifest_sets_a_row_s_own_settings_and_name(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"photo": "a.png", "quality": "high", "name": "Ada/first"}\n{"photo": "b.png"}\n')
    first, second = read_rows(str(tmp_path / "m.jsonl"), Settings(quality="draft"))
    assert (first.name, first.settings.quality, second.settings.quality) == ("Ada/first", "high", "draft")
    (tmp_path / "m.csv").write_text("photo,rig,subject_index,name\na.png,yes,1,\nb.png,,,B\n")
    first, second = read_rows(str(tmp_path / "m.csv"), Settings())
    assert first.settings.rig is True and first.settings.subject_index == 1 and first.name == "a"
    assert second.settings == Settings() and second.name == "B"


def test_a_row_may_have_several_photos_of_one_person(batch, picture, tmp_path, workers):
    picture("a.png"), picture("b.jpg"), picture("c.png")
    (tmp_path / "m.csv").write_text("photos,name\nin/a.png; in/b.jpg,Ada\n")
    (row,) = read_rows(str(tmp_path / "m.csv"), Settings())
    assert row.photos == [tmp_path / "in" / "a.png", tmp_path / "in" / "b.jpg"] and row.name == "Ada"
    manifest = tmp_path / "m.jsonl"
    manifest.write_text('{"photos": ["in/a.png", "in/b.jpg"], "name": "Ada"}\n{"photos": ["in/c.png"]}\n')
    assert batch(manifest)[0] == 0 and sorted(made(workers)) == ["a.png", "b.jpg", "c.png"]
    keys = [entry["key"] for entry in entries(tmp_path / "out")]
    (tmp_path / "in" / "d.png").write_bytes((tmp_path / "in" / "b.jpg").read_bytes() + b"x")
    manifest.write_text('{"photos": ["in/a.png", "in/d.png"], "name": "Ada"}\n{"photo": "in/c.png"}\n')
    batch(manifest)
    again = [entry["key"] for entry in entries(tmp_path / "out")]
    assert again[0] != keys[0] and again[1] == keys[1]


def test_bad_rows_are_failures_with_their_line_and_the_others_go_on(batch, picture, tmp_path, workers):
    picture("a.png")
    lines = ['{"photo": "in/a.png", "quality": "best"}', "nonsense", '{"name": "x"}', '{"photo": "in/a.png"}', '{"photo": "in/none.png"}']
    (tmp_path / "m.jsonl").write_text("\n".join(lines))
    code, _ = batch(tmp_path / "m.jsonl")
    found = entries(tmp_path / "out")
    assert code == 2 and [entry["status"] for entry in found] == ["failed"] * 3 + ["done", "failed"]
    assert "line 1: quality must be one of" in found[0]["error"] and "line 2" in found[1]["error"] and "line 3" in found[2]["error"]
    assert made(workers) == ["a.png"]


def test_names_stay_in_the_output_and_differ_on_every_system(tmp_path):
    names = ["../../etc/x", "/abs/x", "X", "x", "a/../b", "con"]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps({"photo": "p.png", "name": name}) + "\n" for name in names))
    assert [row.name for row in read_rows(str(tmp_path / "m.jsonl"), Settings())] == ["etc/x", "abs/x", "X", "x-2", "a/b", "_con"]


def test_a_template_names_the_results(picture, tmp_path):
    picture("a.png")
    assert [row.name for row in read_rows(str(tmp_path / "in"), Settings(), template="people/{number}-{stem}")] == ["people/1-a"]
    with pytest.raises(InputError, match="cannot be filled in"):
        read_rows(str(tmp_path / "in"), Settings(), template="{age}")


def test_what_is_done_is_not_made_again_and_what_changed_is(batch, picture, tmp_path, workers):
    picture("a.png"), picture("b.png")
    assert batch(tmp_path / "in")[0] == 0
    code, said = batch(tmp_path / "in")
    assert code == 0 and made(workers) == ["a.png", "b.png"] and "2 of 2 rows are done" in said.err
    (tmp_path / "in" / "a.png").write_bytes((tmp_path / "in" / "a.png").read_bytes() + b"x")  # another photo now
    (tmp_path / "out" / "b" / "b.ply").unlink()
    batch(tmp_path / "in")
    assert made(workers) == ["a.png", "a.png", "b.png", "b.png"]
    batch(tmp_path / "in", "--quality", "draft")
    assert made(workers) == ["a.png"] * 3 + ["b.png"] * 3
    batch(tmp_path / "in", "--quality", "draft", "--overwrite")
    assert len(made(workers)) == 8 and len(entries(tmp_path / "out")) == 2


def test_failures_are_remembered_until_they_are_to_be_retried(batch, picture, tmp_path, workers):
    picture("noface.jpg"), picture("bug.jpg"), picture("a.jpg")
    code, said = batch(tmp_path / "in")
    found = {entry["name"]: entry for entry in entries(tmp_path / "out")}
    assert code == 3 and found["noface"]["error"] == "noface.jpg shows no face; choose another photo." and found["a"]["status"] == "done"
    assert (tmp_path / "out" / found["bug"]["error_file"]).exists() and "1 of 3 done, 2 failed" in said.err
    assert batch(tmp_path / "in")[0] == 3 and len(made(workers)) == 3
    assert batch(tmp_path / "in", "--retry-failed")[0] == 3 and made(workers) == ["a.jpg", "bug.jpg", "bug.jpg", "noface.jpg", "noface.jpg"]


def test_a_summary_cut_short_by_a_kill_is_read_and_mended(batch, picture, tmp_path, workers):
    picture("a.jpg"), picture("noface.jpg")
    batch(tmp_path / "in")
    summary = tmp_path / "out" / "summary.jsonl"
    summary.write_text(summary.read_text() + '{"name": "half a li')
    assert batch(tmp_path / "in")[0] == 2 and len(made(workers)) == 2
    assert [entry["name"] for entry in entries(tmp_path / "out")] == ["a", "noface"]


def test_what_a_kill_after_the_last_file_left_is_cleared(batch, picture, tmp_path, workers):
    picture("a.jpg")
    batch(tmp_path / "in")
    (tmp_path / "out" / "a" / ".likeness-work" / "scratch").mkdir(parents=True)
    assert batch(tmp_path / "in")[0] == 0 and made(workers) == ["a.jpg"]
    assert not (tmp_path / "out" / "a" / ".likeness-work").exists()


def test_rows_as_lines_of_json(batch, picture, tmp_path):
    picture("a.jpg"), picture("noface.jpg")
    _, said = batch(tmp_path / "in", "--json")
    assert {json.loads(line)["name"] for line in said.out.splitlines()} == {"a", "noface"}


def test_the_page_holds_everything_and_loads_nothing(batch, picture, tmp_path):
    picture("noface.jpg"), picture("a & <b>.jpg")
    batch(tmp_path / "in")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "a &amp; &lt;b&gt;.jpg" in page and "shows no face" in page and "<b>" not in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_a_page_that_takes_long_is_written_now_and_then_and_at_the_end(tmp_path, monkeypatch):
    clock, pages = [0.0], []

    def slowly(folder, entries, total):
        pages.append(total)
        clock[0] += 2

    monkeypatch.setattr(sheet, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(sheet, "write_sheet", slowly)
    page = sheet.Sheet(tmp_path)
    for total in range(1, 101):
        page.show([], total)
        page.write()
        clock[0] += 1
    assert pages[0] == 1 and 2 <= len(pages) <= 3
    page.write(at_once=True)
    assert pages[-1] == 100
    page.write(at_once=True)
    assert pages.count(100) == 1


def test_several_workers_share_the_rows(batch, picture, tmp_path, workers):
    for number in range(12):
        picture(f"{number}.png")
    assert batch(tmp_path / "in", "--workers", "3")[0] == 0
    assert len(workers) == 3 and len(made(workers)) == len(set(made(workers))) == 12


@pytest.mark.parametrize(
    ("asked", "cores", "free", "count"), [(0, 8, 6.4, 4), (0, 2, 64, 2), (0, 4, 0.5, 1), (5, 2, 1.0, 5), (0, 4, None, 4)]
)
def test_workers_by_cores_and_memory(asked, cores, free, count):
    assert worker_count(asked, cores, free) == count


def test_an_input_without_photos_is_one_sentence(batch, tmp_path):
    (tmp_path / "in").mkdir()
    assert "--recursive" in batch(tmp_path / "in")[1].err
    assert "does not exist" in batch(tmp_path / "nothing")[1].err
    (tmp_path / "in" / "x.docx").touch()
    assert "is no list of photos" in batch(tmp_path / "in" / "x.docx")[1].err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_nothing_is_lost_or_made_twice_however_often_it_is_killed(start, picture, tmp_path):
    count = 12
    for number in range(count):
        picture(f"{number}.png")
    arguments = ("batch", tmp_path / "in", "--output", tmp_path / "out", *FORMATS, "--workers", "2")
    dice, stamps = random.Random(1), {}

    def finished() -> dict[str, int]:
        return {path.parent.name: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*/report.json")}

    for _ in range(8):
        child, wanted = start(*arguments), len(stamps) + dice.randrange(3)
        while child.poll() is None and len(finished()) < wanted:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.4))  # anywhere in the next row, or before the first
        if child.poll() is None:
            os.kill(child.pid, dice.choice([signal.SIGKILL, signal.SIGTERM]))
        child.communicate(timeout=30)
        now = finished()
        assert all(now.get(name) == stamp for name, stamp in stamps.items())
        stamps = now
    child = start(*arguments)
    child.communicate(timeout=120)
    assert child.returncode == 0 and all(finished()[name] == stamp for name, stamp in stamps.items())
    assert sorted(entry["name"] for entry in entries(tmp_path / "out")) == sorted(str(number) for number in range(count))
    assert not list((tmp_path / "out").rglob(".likeness-work"))


@pytest.mark.slow
def test_a_local_ray_cluster_makes_the_rows_though_an_actor_is_killed(tmp_path):
    """With the real networks: actors import the package that is installed."""
    (tmp_path / "in").mkdir()
    for number in range(4):
        shutil.copy(Path(skimage.__file__).parent / "data" / "astronaut.png", tmp_path / "in" / f"{number}.png")
    (tmp_path / "in" / "bad.png").write_bytes(b"nothing")
    command = [sys.executable, "-m", "likeness.cli.main", "batch", tmp_path / "in", "--output", tmp_path / "out", *FORMATS]
    with subprocess.Popen([*map(str, command), "--quality", "draft", "--ray", "local", "--workers", "2"]) as run:
        while not list((tmp_path / "out").glob("*/report.json")):
            assert run.poll() is None
            time.sleep(0.05)
        actors = subprocess.run(["pgrep", "-f", "ray::_Actor"], capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(actors[0]), signal.SIGKILL)
        assert run.wait(240) == 2  # of the bad photo
    found = {entry["name"]: entry["status"] for entry in entries(tmp_path / "out")}
    assert found == {"0": "done", "1": "done", "2": "done", "3": "done", "bad": "failed"}


def test_a_report_elsewhere_is_refused(batch, picture, tmp_path):
    picture("a.png")
    code, said = batch(tmp_path / "in", "--report", "r.json")
    assert code == 2 and "leave --report out" in said.err and not (tmp_path / "out").exists()
