"""How a batch tells of its progress on a terminal and elsewhere."""

import io
import sys

import pytest

from likeness.cli.batch.progress import BatchProgress, duration
from likeness.cli.console import Console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def tell(monkeypatch):
    """Tells of rows on a terminal; gives what was written there."""

    def call(*entries: dict) -> str:
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        with BatchProgress(Console(), 12, 3, 2, False) as progress:
            for entry in entries:
                progress.tell(entry)
        return stream.getvalue()

    return call


def test_a_terminal_shows_a_bar_and_keeps_the_sentences_of_failures(tell):
    pytest.importorskip("rich")
    said = tell({"name": "ada", "status": "done"}, {"name": "bob", "status": "failed", "error": "bob.jpg shows [no] face; choose another."})
    assert "5/12" in said and "1 failed" in said and "\u2501" in said
    assert "bob.jpg shows [no] face; choose another.\n" in said


def test_without_rich_a_terminal_shows_one_line(tell, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert tell({"name": "ada", "status": "done"}).endswith("4 of 12, 0 s left: ada")


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (89, "89 s"), (600, "10 min"), (7300, "2 h 02 min")])
def test_durations_are_no_more_exact_than_they_can_be_known(seconds, words):
    assert duration(seconds) == words
