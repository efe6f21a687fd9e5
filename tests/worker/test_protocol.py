import json

import pytest

from likeness.core.errors import NoFaceError, WorkerError
from likeness.worker import protocol
from likeness.worker.protocol import EVENTS, MAX_LINE, REQUESTS, Lines, ProtocolError, decode, encode


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        (protocol.Reconstruct(["C:\\Fotos\\Jürgen 顔.jpg", "b.png"], "a b/r.npz", {"quality": "draft", "subject_index": 3}), REQUESTS),
        (protocol.Reconstruct(["not-utf8-\udcff.jpg"], "r.npz"), REQUESTS),
        (protocol.Cancel(id=3), REQUESTS),
        (protocol.Bake("m.npz", "r.npz", "t.npz", 2048, ["colours"], 0.02, 8, id=2), REQUESTS),
        (protocol.Print("r.npz", "a.3mf", {"print_height": 80.0, "plinth": True}), REQUESTS),
        (protocol.Done("a.3mf", "80 mm"), EVENTS),
        (protocol.SelfTest(False), REQUESTS),
        (protocol.Quit(), REQUESTS),
        (protocol.Ready({"torch": "2.13.0"}), EVENTS),
        (protocol.Heartbeat(1.5), EVENTS),
        (protocol.Progress("Fit", 0.25, id=7), EVENTS),
        (protocol.Error("No face.", "NoFaceError", 2), EVENTS),
        (protocol.Tested(True, "all\nwell"), EVENTS),
    ],
)
def test_messages_survive_the_pipe(message, kinds):
    line = encode(message)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert decode(line, kinds) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"type": "spell"}',
        b'{"type": ["done"]}',
        b'{"type": "done"}',
        b'{"type": "done", "path": "a"}',
        b'{"type": "done", "path": "a", "id": "1"}',
        b'{"type": "done", "path": 3, "id": 1}',
        b'{"type": "done", "path": "a", "extra": 1, "id": 1}',
        b'{"type": "reconstruct", "photos": ["a"], "output": "b", "settings": {}, "id": 1}',  # a request is no event
        b'{"type": "progress", "stage": "a", "fraction": NaN, "id": 1}',
        b'{"type": "progress", "stage": "a", "fraction": 1e999, "id": 1}',
        b'{"type": "progress", "stage": "a", "fraction": true, "id": 1}',
        b'{"type": "error", "message": "a", "kind": "b", "exit_code": 3.0, "details": "", "id": 1}',
        b'{"type": "ready", "versions": {"a": {"b": 1}}, "id": 0}',
        b'{"type": "message", "id": 0}',
        b'{"type": "job", "id": 0}',
        b"[" * 60_000,
    ],
)
def test_anything_else_is_refused(line):
    with pytest.raises(ProtocolError):
        decode(line, EVENTS)


@pytest.mark.parametrize("photos", ['"a"', "[1]", '[["a"]]', "null"])
def test_photos_are_a_list_of_paths(photos):
    line = '{"type": "reconstruct", "photos": %s, "output": "b", "settings": {}, "early": false, "id": 1}'
    assert decode((line % '["a", "b"]').encode(), REQUESTS).photos == ["a", "b"]
    with pytest.raises(ProtocolError):
        decode((line % photos).encode(), REQUESTS)


def test_an_error_keeps_its_class_across_the_pipe():
    event = protocol.Error.of(NoFaceError("No face in a.png; choose another photo."))
    error = decode(encode(event), EVENTS).exception()
    assert type(error) is NoFaceError and str(error) == "No face in a.png; choose another photo."


def test_the_longest_error_fits_on_a_line():
    try:
        raise WorkerError("\u9854" * 100_000)
    except WorkerError as raised:
        event = protocol.Error.of(raised)
    assert decode(encode(event), EVENTS) == event and event.exception().__notes__


@pytest.mark.parametrize("kind", ["SystemExit", "Any", "__name__", "nothing"])
def test_an_unknown_class_becomes_a_worker_error(kind):
    assert type(protocol.Error("x", kind).exception()) is WorkerError


def test_too_long_or_impossible_messages_are_not_sent():
    with pytest.raises(ProtocolError, match="longer"):
        encode(protocol.Done("x" * MAX_LINE))
    with pytest.raises(ProtocolError, match="JSON"):
        encode(protocol.Progress("x", float("nan")))


def test_lines_are_cut_whatever_the_chunks():
    data = b"".join(encode(protocol.Progress("x", i / 8)) for i in range(8))
    for size in (1, 7, 1000):
        lines = Lines()
        found = [line for start in range(0, len(data), size) for line in lines.feed(data[start : start + size])]
        assert [json.loads(line)["fraction"] for line in found] == [i / 8 for i in range(8)]


def test_an_over_long_line_is_dropped_counted_and_forgotten():
    lines = Lines()
    chunks = [b"x" * 60_000] * 10 + [b"\n{}\n"]
    assert [line for chunk in chunks for line in lines.feed(chunk)] == [b"{}"]
    assert lines.dropped == 600_000
