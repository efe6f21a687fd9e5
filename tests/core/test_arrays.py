"""Files of arrays: what does not fit their schema is refused, with the name of what is wrong."""

from pathlib import Path

import numpy as np
import pytest

from likeness.core.arrays import BYTE, FORMAT, REAL, TEXT, TOO_LARGE, WHOLE, Array, ArrayError, Schema

SCHEMA = Schema(
    {
        "points": Array(REAL, ("N", 3)),
        "lines": Array(WHOLE, ("L", 2), below="N"),
        "shade": Array(BYTE, ("N",)),
        "names": Array(TEXT, ("N",)),
        "share": Array(REAL, ("N",), low=0, high=1, optional=True),
    },
    number=3,
    prefix="p_",
    most=100,
    most_bytes=10_000,
)
VALUES = {"points": np.eye(3), "lines": [[0, 1], [1, 2]], "shade": np.uint8([1, 2, 255]), "names": ["a", "b", "c"]}


def test_arrays_come_back_in_their_own_types(tmp_path: Path) -> None:
    SCHEMA.save(tmp_path / "x.npz", VALUES, {"other": np.zeros(2)})
    found, data = SCHEMA.load(tmp_path / "x.npz")
    assert found["points"].dtype == np.float32 and found["lines"].dtype == np.int32 and found["shade"].dtype == np.uint8
    assert found["names"] == ("a", "b", "c") and found["share"] is None
    assert len(data["other"]) == 2


@pytest.mark.parametrize(
    ("wrong", "change"),
    [
        ("points", {"points": np.full((3, 3), np.nan)}),
        ("points", {"points": np.zeros((3, 2))}),
        ("points", {"points": np.zeros((3, 3), int)}),
        ("lines", {"lines": [[0, 3]]}),
        ("lines", {"lines": [[-1, 0]]}),
        ("shade", {"shade": np.uint8([1, 2])}),
        ("shade", {"shade": np.uint16([1, 2, 256])}),
        ("names", {"names": None}),
        ("share", {"share": [0, 0.5, 1.1]}),
        ("points", {"points": np.zeros((101, 3))}),
        (TOO_LARGE, {"names": ["a" * 2000] * 3}),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, wrong: str, change: dict) -> None:
    SCHEMA.save(tmp_path / "x.npz", VALUES | change)
    with pytest.raises(ArrayError) as caught:
        SCHEMA.load(tmp_path / "x.npz")
    assert str(caught.value) == wrong


@pytest.mark.parametrize("number", [None, 2, 4, [3]])
def test_another_format_is_refused(tmp_path: Path, number: object) -> None:
    np.savez(tmp_path / "x.npz", **SCHEMA.pack(VALUES), **({} if number is None else {FORMAT: np.array(number)}))
    with pytest.raises(ArrayError, match=FORMAT):
        SCHEMA.load(tmp_path / "x.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x80\x04N."])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ArrayError):
        SCHEMA.load(tmp_path / "x.npz")


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **SCHEMA.pack(VALUES) | {"p_points": np.array([[print]], object)}, **{FORMAT: np.array(3)})
    with pytest.raises(ArrayError):
        SCHEMA.load(tmp_path / "x.npz")
