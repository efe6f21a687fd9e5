import getpass
import tempfile
from pathlib import Path

import pytest

from likeness.core.error_report import LOG_LINES, error_report, write_error_report
from likeness.core.errors import InputError


@pytest.fixture
def anna(monkeypatch):
    """The report of one line of a log, on the machine of a user called Anna."""
    monkeypatch.setattr(Path, "home", lambda: Path("/users/Anna Berg"))
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/var/folders/t0")
    return lambda line: error_report(None, "It failed.", {}, [line], {}).rpartition("Log\n")[2].strip()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no '/users/Anna Berg/Divorce/me.png'", "no '~/…/me.png'"),
        ("in /users/Anna Berg", "in ~"),
        ("made /var/folders/t0/likeness-abc/result-1.npz", "made ~/…/result-1.npz"),
        (r"no 'D:\\Private Pictures\\Anna\\x.jpg': 3", r"no '…/x.jpg': 3"),
        (r"no D:\Private Pictures\Anna\x.jpg: 3", "no …/x.jpg: 3"),
        (r"no \\server\secret share\x.jpg", "no …/x.jpg"),
        ("no /mnt/Julia's Photos/x.jpg", "no …/x.jpg"),
        ('File "/opt/env/lib/python3.11/site-packages/torch/nn/a.py", line 3', 'File "site-packages/torch/nn/a.py", line 3'),
        ('File "/usr/lib/python3.11/runpy.py", line 3', 'File "python3.11/runpy.py", line 3'),
        ("anna and ANNA, but no Hannah", "USER and USER, but no Hannah"),
        ("3/4 of core/pipeline.py, see https://example.com/a/b", "3/4 of core/pipeline.py, see https://example.com/a/b"),
    ],
)
def test_a_report_leaves_out_who_the_user_is_and_where_the_files_lie(anna, line, said):
    assert anna(line) == said


def test_a_report_shows_the_sentence_the_facts_and_the_traceback_with_its_notes():
    error = None
    try:
        [][1]
    except IndexError as raised:
        raised.add_note("what the worker said")
        error = raised
    text = error_report(error, "It failed; report this.", {"quality": "draft"}, ["a line"], {"Blender": "4.5.1"})
    assert text.startswith("It failed; report this.\n")
    for part in ("Blender: 4.5.1", "quality: draft", "Python: 3.", "IndexError: list index", "what the worker said", "Log\na line"):
        assert part in text
    assert str(Path(__file__).parent) not in text and "test_error_report.py" in text


def test_a_report_holds_the_end_of_a_long_log():
    text = error_report(None, "It failed.", {}, [f"line {number}." for number in range(1000)], {})
    assert text.count("line ") == LOG_LINES and "line 999." in text and "line 699." not in text


def test_each_report_gets_a_file_of_its_own(tmp_path):
    folder = tmp_path / "new" / "folder"
    first, second = write_error_report("eins \udcff", folder), write_error_report("zwei", folder)
    assert first != second and first.read_text(encoding="utf-8") == "eins \\udcff" and second.read_text() == "zwei"


def test_a_report_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_error_report("text", tmp_path / "file" / "folder")
