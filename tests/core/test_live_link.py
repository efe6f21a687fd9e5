"""Takes written as the Live Link Face app writes them, and files that are none."""

from pathlib import Path

import numpy as np
import pytest

from likeness.core.animation.live_link import HALF_TURN, read_live_link
from likeness.core.animation.performance import Performance
from likeness.core.errors import InputError
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import NECK
from likeness.core.models.rotation import rotation_matrix

NAMES = HeadModel.load().expression_names
ANGLES = [f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll")]
HEADER = ["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in reversed(NAMES)), *ANGLES]


def row(code: str, **values: float) -> list[str]:
    return [code, "61", *(f"{values.get(title, 0.0):.10f}" for title in HEADER[2:])]


def read(path: Path, rows: list[list[str]]) -> Performance:
    path.write_text("\n".join(",".join(cells) for cells in [HEADER, *rows]) + "\n")
    return read_live_link(path)


def code(frame: int, rate: int, start: int = 14 * 3600) -> str:
    seconds = start + frame // rate
    return f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame % rate:02}.{7 * frame % 1000:03}"


def jaw(take: Performance) -> np.ndarray:
    return take.key_values[:, take.key_names.index("jawOpen")]


@pytest.mark.parametrize("rate", [30, 60])
def test_values_and_times_come_out(tmp_path: Path, rate: int) -> None:
    share = np.arange(200) / 200
    rows = [row(code(i, rate), JawOpen=x, EyeBlinkLeft=1 - x) for i, x in enumerate(share)]
    found = read(tmp_path / "take.csv", rows)
    assert found.name == "take" and set(found.key_names) == set(NAMES) and found.seen.all()
    assert np.allclose(jaw(found), share, atol=1e-6)
    assert np.allclose(found.key_values[:, found.key_names.index("eyeBlinkLeft")], 1 - share, atol=1e-6)
    assert np.abs(found.times - np.arange(200) / rate).max() < 1 / rate
    assert found.times[0] == 0 and (np.diff(found.times) > 0).all()


def test_the_head_turns_looks_up_and_leans(tmp_path: Path) -> None:
    """Where the nose (z) and the crown (y) point after 30 degrees of each; x is the person's left."""
    angle = 30 / HALF_TURN
    rows = [row(f"10:00:00:0{i}", **{f"Head{turn}": angle}) for i, turn in enumerate(("Yaw", "Pitch", "Roll"))]
    turned, raised, leaning = rotation_matrix(read(tmp_path / "a.csv", rows).rotations[:, NECK])
    assert np.allclose(turned[:, 2], [-0.5, 0, np.sqrt(0.75)])
    assert np.allclose(raised[:, 2], [0, 0.5, np.sqrt(0.75)])
    assert np.allclose(leaning[:, 1], [-0.5, np.sqrt(0.75), 0])


def test_frames_without_a_face_are_filled_in_and_told(tmp_path: Path) -> None:
    empty = ["10:00:00:01", "0", *[""] * (len(HEADER) - 2)]
    found = read(tmp_path / "a.csv", [row("10:00:00:00"), empty, row("10:00:00:02", JawOpen=0.5), []])
    assert np.allclose(found.times * 60, [0, 1, 2]) and found.seen.tolist() == [True, False, True]
    assert 0 <= jaw(found)[1] <= 0.5


def test_takes_over_midnight_and_doubled_frames_stay_in_order(tmp_path: Path) -> None:
    codes = ("23:59:59:58", "23:59:59:59", "23:59:59:59", "00:00:00:00")
    found = read(tmp_path / "a.csv", [row(text, JawOpen=i / 10) for i, text in enumerate(codes)])
    assert np.allclose(found.times, [0, 1 / 60, 2 / 60], atol=1e-6)
    assert np.allclose(jaw(found)[[0, 2]], [0, 0.3])


LAST = row("10:00:00:03", JawOpen=0.3)


CUTS = {"half": ",".join(LAST)[:200], "time": LAST[0], "less": LAST[0][:4], "exponent": ",".join(LAST)[:-1] + "e-"}


@pytest.mark.parametrize("end", CUTS.values(), ids=CUTS.keys())
def test_a_last_line_that_is_cut_is_left_out_with_a_warning(tmp_path: Path, end: str) -> None:
    found = read(tmp_path / "a.csv", [*(row(f"10:00:00:0{i}", JawOpen=i / 10) for i in range(3)), [end]])
    assert np.allclose(jaw(found), [0, 0.1, 0.2])
    assert found.warnings == ("The last line of a.csv is cut off and was left out; the file may be incomplete.",)


def test_a_cut_line_elsewhere_is_damage(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^Line 3 of a\.csv is damaged"):
        read(tmp_path / "a.csv", [row("10:00:00:00"), LAST[:20], LAST])


@pytest.mark.parametrize("start", [14 * 3600, 24 * 3600 - 1], ids=["afternoon", "midnight"])
def test_lines_that_run_backwards_are_turned_round(tmp_path: Path, start: int) -> None:
    rows = [row(code(i, 60, start), JawOpen=i / 200) for i in range(120)]
    found = read(tmp_path / "a.csv", rows[::-1])
    assert np.allclose(jaw(found), np.arange(120) / 200) and np.abs(found.times - np.arange(120) / 60).max() < 1 / 60
    assert found.warnings == ("The timecodes of a.csv run backwards; its lines were turned round.",)


def test_a_clock_that_is_set_back_loses_no_frame(tmp_path: Path) -> None:
    codes = [code(i, 60) for i in range(90)] + [code(i, 60, 9 * 3600) for i in range(90)]
    found = read(tmp_path / "a.csv", [row(text, JawOpen=i / 200) for i, text in enumerate(codes)])
    assert np.allclose(jaw(found), np.arange(180) / 200) and (np.diff(found.times) < 2 / 60).all()
    assert found.warnings == ("The timecodes of a.csv jump back; the lines were taken one after the other.",)


def test_lines_out_of_order_are_sorted(tmp_path: Path) -> None:
    found = read(tmp_path / "a.csv", [row(code(i, 60), JawOpen=i / 10) for i in (0, 1, 3, 2, 4, 5)])
    assert np.allclose(jaw(found), np.arange(6) / 10) and found.warnings == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no recording"),
        (b"a,b,c\n1,2,3\n", "no recording"),
        (b"\xff\xfe\x00" * 100, "cannot be read as text"),
        (b"Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,EyeBlinkRight\n", "no frame"),
        (b"Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,EyeBlinkRight\n10:00:00,3,0,0,0\n", "Line 2"),
        (b"Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,EyeBlinkRight\n10:00:00:00,3,0,0,0\n10:00:00:01,3,much,0,0\n", "Line 3"),
        (b"Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,EyeBlinkRight\n10:00:00:00,3,nan,0,0\n", "Line 2"),
        (b"Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,EyeBlinkRight\n10:00:00:inf,3,0,0,0\n", "Line 2"),
        (b"Timecode,BlendShapeCount,JawOpen,JawOpen,EyeBlinkLeft,EyeBlinkRight\n10:00:00:00,3,0,0,0,0\n", "twice"),
        (b"Timecode," + b"x" * 1_000_000 + b"\n", "cannot be read"),
    ],
    ids=range(10),
)
def test_other_files_are_refused_with_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_live_link(tmp_path / "a.csv")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv does not exist"):
        read_live_link(tmp_path / "none.csv")
