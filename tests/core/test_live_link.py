"""Takes written as the Live Link Face app writes them, and files that are none."""

from pathlib import Path

import numpy as np
import pytest

from likeness.core.animation.live_link import Take, read_take
from likeness.core.errors import InputError
from likeness.core.models.head import HeadModel

NAMES = HeadModel.load().expression_names
ANGLES = [f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll")]
HEADER = ["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in reversed(NAMES)), *ANGLES]


def row(code: str, **values: float) -> list[str]:
    return [code, "61", *(f"{values.get(title, 0.0):.10f}" for title in HEADER[2:])]


def written(path: Path, rows: list[list[str]], header: list[str] = HEADER, delimiter: str = ",") -> Path:
    path.write_text("\n".join(delimiter.join(cells) for cells in [header, *rows]) + "\n")
    return path


def code(frame: int, rate: int, start: int = 14 * 3600) -> str:
    seconds = start + frame // rate
    return f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame % rate:02}.{7 * frame % 1000:03}"


def take(path: Path, rate: int = 60, count: int = 200) -> Take:
    rows = [row(code(i, rate), JawOpen=i / count, EyeBlinkLeft=1 - i / count, HeadYaw=0.1, RightEyePitch=-0.2) for i in range(count)]
    return read_take(written(path / "take.csv", rows), NAMES)


@pytest.mark.parametrize("rate", [30, 60])
def test_values_and_times_come_out(tmp_path: Path, rate: int) -> None:
    found = take(tmp_path, rate)
    assert found.rate == rate and found.names == NAMES and found.missing == ()
    assert found.values.shape == (200, 52)
    assert np.allclose(found.values[:, NAMES.index("jawOpen")], np.arange(200) / 200, atol=1e-6)
    assert np.allclose(found.values[:, NAMES.index("eyeBlinkLeft")], 1 - np.arange(200) / 200, atol=1e-6)
    assert np.abs(found.times - np.arange(200) / rate).max() < 1 / rate
    assert found.times[0] == 0 and (np.diff(found.times) > 0).all()
    assert found.head is not None and np.allclose(found.head, [0.1, 0, 0])
    assert found.right_eye is not None and np.allclose(found.right_eye, [0, -0.2, 0])


def test_values_between_frames_are_linear(tmp_path: Path) -> None:
    rows = [row("10:00:00:00", JawOpen=0.0), row("10:00:01:00", JawOpen=1.0)]
    found = read_take(written(tmp_path / "a.csv", rows), ["jawOpen"])
    assert np.allclose(found.at(np.array([-1, 0.25, 5]))[:, 0], [0, 0.25, 1])


def test_frames_without_a_face_are_left_out(tmp_path: Path) -> None:
    rows = [row("10:00:00:00"), ["10:00:00:01", "0"], row("10:00:00:02", JawOpen=0.5), ["10:00:00:03"], []]
    found = read_take(written(tmp_path / "a.csv", rows), NAMES)
    assert np.allclose(found.times, [0, 2 / 60])


def test_takes_over_midnight_and_doubled_frames_stay_in_order(tmp_path: Path) -> None:
    rows = [row("23:59:59:58"), row("23:59:59:59", JawOpen=0.1), row("23:59:59:59", JawOpen=0.2), row("00:00:00:00", JawOpen=0.3)]
    found = read_take(written(tmp_path / "a.csv", rows), ["jawOpen"])
    assert np.allclose(found.times, [0, 1 / 60, 2 / 60], atol=1e-6)
    assert np.allclose(found.values[:, 0], [0, 0.2, 0.3])


def test_missing_keys_and_angles_are_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", [["10:00:00:00", "1", "1.7"]], ["Timecode", "BlendshapeCount", "jawopen"])
    found = read_take(path, ["jawOpen", "tongueOut"])
    assert found.missing == ("tongueOut",) and found.head is None
    assert found.values.tolist() == [[1, 0]]


def test_a_spreadsheets_semicolons_and_commas_are_read(tmp_path: Path) -> None:
    rows = [[cell.replace(".", ",") for cell in row("10:00:00:00", JawOpen=0.5)]]
    found = read_take(written(tmp_path / "a.csv", rows, delimiter=";"), ["jawOpen"])
    assert found.values[0, 0] == 0.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a Live Link Face take"),
        (b"a,b,c\n1,2,3\n", "not a Live Link Face take"),
        (b"\xff\xfe\x00" * 100, "not a Live Link Face take"),
        (b"Timecode,JawOpen\n", "no frame"),
        (b"Timecode,JawOpen\n10:00:00,0.5\n", "Line 2"),
        (b"Timecode,JawOpen\n10:00:00:00,0.5\n10:00:00:01,much\n", "Line 3"),
        (b"Timecode,JawOpen\n10:00:00:00,nan\n", "no numbers"),
        (b"Timecode,JawOpen\n10:00:00:inf,0.5\n", "Line 2"),
        (b"Timecode,JawOpen\n-1:00:00:00,0.5\n", "Line 2"),
        (b"Timecode," + b"x" * 1_000_000 + b"\n", "not a Live Link Face take"),
    ],
    ids=range(10),
)
def test_other_files_are_refused_with_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_take(tmp_path / "a.csv", NAMES)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_take(tmp_path / "none.csv", NAMES)
