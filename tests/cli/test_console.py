"""Consoles that cannot show a name, are closed, or are no longer read turn no success into a failure."""

import io
import sys

import pytest

from likeness.cli.console import Console
from likeness.cli.main import main
from likeness.core.errors import LikenessError


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_names_that_the_console_does_not_have_are_escaped(monkeypatch, workers, picture, tmp_path, encoding):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    photos = [picture("顔.png"), tmp_path / "無.png"]
    assert main(["reconstruct", *map(str, photos), "--output", str(tmp_path / "out"), "--formats", "ply"]) == 2
    assert rb"\u9854.ply" in out.buffer.getvalue() and rb"\u7121.png does not exist" in err.buffer.getvalue()


def test_names_that_are_no_text_are_escaped(run, picture, tmp_path):
    if sys.platform != "linux":
        pytest.skip("other systems have no such names")
    code, said = run(picture("a\udcff.png"), "--output", tmp_path / "out", "--formats", "ply")
    assert code == 0 and (tmp_path / "out" / "a_.ply").exists()
    code, said = run(tmp_path / "b\udcff.png", "--output", tmp_path / "out", "--formats", "ply")
    assert code == 2 and r"b\udcff.png does not exist" in said.err


@pytest.mark.parametrize("closed", [None, "closed"])
def test_closed_streams_are_no_failure(monkeypatch, workers, picture, tmp_path, closed):
    for name in ("stdout", "stderr"):
        stream = None if closed is None else io.StringIO()
        if stream is not None:
            stream.close()
        monkeypatch.setattr(sys, name, stream)
    photo = picture("a.png")
    assert main(["reconstruct", str(photo), "--output", str(tmp_path / "out"), "--formats", "ply"]) == 0
    assert main(["reconstruct", "missing.png", "--output", str(tmp_path / "out"), "--formats", "ply"]) == 2


def test_progress_is_one_line_on_terminals_only(monkeypatch):
    terminal = Terminal(io.BytesIO(), encoding="ascii", newline="")
    monkeypatch.setattr(sys, "stderr", terminal)
    console = Console()
    console.photo = "é.png: "
    console.progress("field", 0.5)
    console.sentence(LikenessError("It failed."))
    assert terminal.buffer.getvalue() == b"\r\x1b[K\\xe9.png: Predicting Shape 50%\r\x1b[KIt failed.\n"
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO()))
    console = Console()
    console.progress("field", 0.5)
    assert sys.stderr.buffer.getvalue() == b""
