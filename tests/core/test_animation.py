"""Performances, their files and filters, Live Link recordings, and the tracker on renders whose truth is known."""

import numpy as np
import pytest

from likeness.core.animation.live_link import read_live_link
from likeness.core.animation.performance import Performance, fill_gaps, smooth
from likeness.core.errors import AssetError, InputError
from likeness.core.models.joints import NECK
from likeness.core.models.rotation import rotation_matrix

HEADER = "Timecode,BlendShapeCount,EyeBlinkLeft,EyeBlinkRight,JawOpen,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw"


def take(**changes) -> dict:
    rng = np.random.default_rng(0)
    values = {
        "name": "take",
        "times": np.arange(7) / 24,
        "key_names": ("jawOpen", "eyeBlinkLeft"),
        "key_values": rng.uniform(0, 1, (7, 2)),
        "rotations": rng.normal(0, 0.2, (7, 5, 3)),
        "seen": np.arange(7) != 3,
        "warnings": ("The last line is missing.", "So is another."),
    }
    return values | changes


def test_a_performance_comes_back_from_its_file(tmp_path):
    given = Performance(**take())
    given.save(tmp_path / "take.npz")
    found = Performance.load(tmp_path / "take.npz")
    assert (found.name, found.key_names, found.warnings) == ("take", given.key_names, given.warnings) and found.rate == pytest.approx(24)
    for name in ("times", "key_values", "rotations"):
        assert np.allclose(getattr(found, name), getattr(given, name), atol=1e-6)
    assert np.array_equal(found.seen, given.seen)


@pytest.mark.parametrize(
    "changes",
    [
        {"times": np.zeros(7)},
        {"times": np.arange(6.0)},
        {"times": np.zeros(0), "key_values": np.zeros((0, 2)), "rotations": np.zeros((0, 5, 3)), "seen": np.zeros(0)},
        {"key_values": np.full((7, 2), np.nan)},
        {"key_values": np.full((7, 2), 40.0)},
        {"key_names": ("jawOpen", "jawOpen")},
        {"rotations": np.zeros((7, 4, 3))},
    ],
)
def test_damaged_performances_are_refused(tmp_path, changes):
    Performance(**take(**changes)).save(tmp_path / "take.npz")
    with pytest.raises(AssetError, match=r"take\.npz is damaged"):
        Performance.load(tmp_path / "take.npz")


def test_files_that_are_no_performance_are_refused_and_run_nothing(tmp_path):
    path = tmp_path / "take.npz"
    np.savez(path, times=np.array([print], object))
    with pytest.raises(AssetError, match="not a Likeness performance"):
        Performance.load(path)
    path.write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(AssetError, match="not a Likeness performance"):
        Performance.load(path)


def test_smoothing_keeps_what_is_steady_and_quietens_noise():
    times = np.arange(60) / 30
    steady = np.stack([np.full(60, 0.4), times, times**2], axis=1)
    assert np.allclose(smooth(steady, times, 0.3), steady, atol=1e-9)
    noisy = steady + np.random.default_rng(1).normal(0, 0.1, steady.shape)
    assert (np.abs(smooth(noisy, times, 0.3) - steady).mean(0) < 0.7 * np.abs(noisy - steady).mean(0)).all()
    blink = np.exp(-(((times - 1) / 0.08) ** 2))[:, None]
    assert smooth(blink, times, 0.2).max() > 0.75


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_frames_are_left_alone(count):
    values = np.random.default_rng(2).uniform(0, 1, (count, 3))
    assert np.allclose(smooth(values, np.arange(count) / 30, 0.5), values)


def test_short_gaps_are_interpolated_and_long_ones_held():
    times = np.arange(12) * 0.1
    seen = np.isin(np.arange(12), [1, 2, 5, 11])
    filled = fill_gaps(np.where(seen, times * 10, -99)[:, None], times, seen)[:, 0]
    assert np.allclose(filled, [1, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 11])


def recording(path, *rows: str, header: str = HEADER):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_recording_is_read_by_its_column_names(tmp_path):
    rows = ["23:59:59:22.000,61,0.1,0.2,0.3,0,0,0,0.9", "23:59:59:23.500,61,0.1,1.2,0.4,0,0,0,0.9", "00:00:00:00.000,61,0,0,0.5,0.25,0,0,0"]
    found = read_live_link(recording(tmp_path / "take.csv", *rows))
    assert found.key_names == ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen") and found.name == "take"
    assert np.allclose(found.times, [0, 1.5 / 24, 2 / 24])  # frames count to 23, so there are 24; over midnight
    assert np.allclose(found.key_values, [[0.1, 0.2, 0.3], [0.1, 1, 0.4], [0, 0, 0.5]])
    looking = rotation_matrix(found.rotations[2, NECK])[:, 2]
    assert np.degrees(np.arctan2(looking[0], looking[2])) == pytest.approx(-45)  # a quarter of a half turn, to the person's right
    assert not found.rotations[:, [0, 2, 3, 4]].any()


def test_frames_of_a_recording_without_a_face_are_filled(tmp_path):
    rows = ["0:0:0:00,61,0,0,0.2,0,0,0,0", "0:0:0:01,0,,,,,,,", "0:0:0:02,0", "0:0:0:03,61,0,0,0.8,0,0,0,0", ""]
    found = read_live_link(recording(tmp_path / "take.csv", *rows))
    assert np.allclose(found.key_values[:, 2], [0.2, 0.4, 0.6, 0.8]) and found.seen.tolist() == [True, False, False, True]
    assert found.rate == pytest.approx(60)


@pytest.mark.parametrize(
    ("header", "row", "sentence"),
    [
        ("Time,Smile", "1,2", "no recording of Live Link Face"),
        ("", "", "no recording of Live Link Face"),
        (HEADER.replace("JawOpen", "JawShut"), "", "no recording of Live Link Face"),
        (HEADER + ",JawOpen", "", "twice"),
        (HEADER, "0:0:0:01,61,0,0", "Line 2 of take.csv is damaged"),
        (HEADER, "0:0:0:01,61,0,0,nan,0,0,0,0", "Line 2 of take.csv is damaged"),
        (HEADER, "0:0:0:01,61,0,0,x,0,0,0,0", "Line 2 of take.csv is damaged"),
        (HEADER, "yesterday,61,0,0,0,0,0,0,0", "Line 2 of take.csv is damaged"),
        (HEADER, "0:0:0:01,0", "no frame with a face"),
    ],
)
def test_wrong_recordings_are_one_sentence(tmp_path, header, row, sentence):
    with pytest.raises(InputError, match=sentence):
        read_live_link(recording(tmp_path / "take.csv", row, header=header))


def test_files_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "take.csv").write_bytes(b"\xff\xfe\x00\x80" * 100)
    with pytest.raises(InputError, match="cannot be read as text"):
        read_live_link(tmp_path / "take.csv")
    with pytest.raises(InputError, match="does not exist"):
        read_live_link(tmp_path / "none.csv")
