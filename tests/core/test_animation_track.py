"""The tracker on pictures of a head whose performance is known."""

import cv2
import numpy as np
import pytest

from likeness.core.animation.gaze import Eyes
from likeness.core.animation.pictures import open_pictures
from likeness.core.errors import Cancelled, InputError, NoFaceError
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import JAW, LEFT_EYE, NECK, RIGHT_EYE
from likeness.core.models.parametric import Parameters
from likeness.core.photo.view import Camera

COUNT = 6


@pytest.fixture(scope="module")
def tracker():
    pytest.importorskip("mediapipe")
    from likeness.core.animation.track import Tracker

    return Tracker.load()


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def curves() -> dict[str, np.ndarray]:
    share = np.linspace(0, 1, COUNT)
    return {"jawOpen": 0.6 * np.sin(np.pi * share), "smile": 0.8 * share, "yaw": 0.4 * (share - 0.5)}


@pytest.fixture(scope="module")
def shot(model, curves, tmp_path_factory):
    """A folder of pictures: the mouth opens and closes, a smile grows, the head turns; the third picture shows nobody."""
    from likeness.training.head_model.calibrate import render

    folder = tmp_path_factory.mktemp("shot")
    identity = np.clip(np.random.default_rng(7).normal(0, 0.6, len(model.identity)), -2, 2)
    for number in range(COUNT):
        expression, rotations = np.zeros(52), np.zeros((5, 3))
        expression[model.expression_names.index("jawOpen")] = curves["jawOpen"][number]
        for side in ("Left", "Right"):
            expression[model.expression_names.index(f"mouthSmile{side}")] = curves["smile"][number]
        rotations[NECK, 1] = curves["yaw"][number]
        posed = model.posed(Parameters(identity, expression, rotations))
        camera = Camera((320, 280), 1700, 1.4)
        picture = render(model, posed.vertices, camera, np.array([0.8, 0.6, 0.5]), np.random.default_rng(5))
        if number == 2:
            picture[:] = 90
        cv2.imwrite(str(folder / f"{number:04d}.png"), picture[..., ::-1])
    return folder


@pytest.mark.slow
def test_expression_and_head_follow_the_face(tracker, model, shot, curves):
    stages = []
    found = tracker.run(shot, 0.0, lambda stage, fraction: stages.append((stage, fraction)))
    assert len(found.times) == COUNT and found.seen.tolist() == [number != 2 for number in range(COUNT)]
    keys = dict(zip(found.key_names, found.key_values.T, strict=True))
    assert np.corrcoef(keys["jawOpen"], curves["jawOpen"])[0, 1] > 0.9
    assert np.abs(keys["jawOpen"] - curves["jawOpen"]).mean() < 0.15
    assert np.corrcoef(keys["mouthSmileLeft"], curves["smile"])[0, 1] > 0.8
    assert np.abs(found.rotations[:, NECK, 1] - curves["yaw"]).max() < 0.12
    assert not found.rotations[:, [0, JAW]].any()
    fractions = [fraction for _, fraction in stages]
    assert {stage for stage, _ in stages} == {"track", "fit"} and fractions == sorted(fractions) and fractions[-1] <= 1


@pytest.mark.slow
def test_one_photo_is_one_pose(tracker, shot):
    found = tracker.run(shot / "0004.png")
    assert found.times.tolist() == [0] and found.rate == 0 and found.seen.all() and found.name == "0004"


@pytest.mark.slow
def test_tracking_stops_when_asked(tracker, shot):
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        tracker.run(shot, cancel=lambda: next(answers))


@pytest.mark.slow
def test_pictures_of_nobody_are_one_sentence(tracker, shot):
    with pytest.raises(NoFaceError, match=r"0002\.png shows no face"):
        tracker.run(shot / "0002.png")


def test_eyes_look_where_their_irises_are(model):
    eyes = Eyes(model, np.zeros(len(model.identity)))
    camera = Camera((300.0, 200.0), 1500.0, 1.2)
    centres = model.skeleton.joints[[LEFT_EYE, RIGHT_EYE]]
    turn = np.array([0.1, 0.3, 0.0])
    angle = np.linalg.norm(turn)
    ahead = np.array([np.sin(angle) * turn[1] / angle, -np.sin(angle) * turn[0] / angle, np.cos(angle)])
    found = eyes.gaze(camera.project(centres + 0.011 * ahead), np.eye(3), camera)
    assert np.allclose(found, turn, atol=1e-3)
    assert np.degrees(np.linalg.norm(eyes.gaze(camera.project(centres + np.array([0.1, 0, 0])), np.eye(3), camera))) <= 40.01


def test_videos_give_their_frames_and_rate(tmp_path):
    path = tmp_path / "film.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, (64, 48))
    for number in range(5):
        video.write(np.full((48, 64, 3), [0, 0, 50 * number], np.uint8))
    video.release()
    with open_pictures(path) as pictures:
        frames = list(pictures.frames)
        assert pictures.rate == pytest.approx(12.5) and pictures.count == 5
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 5
    assert np.allclose([frame[..., 0].mean() for frame in frames], [0, 50, 100, 150, 200], atol=4)


def film(path, count=60):
    rng = np.random.default_rng(0)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(count):
        video.write(rng.integers(0, 256, (48, 64, 3), np.uint8))
    video.release()
    return path.read_bytes()


@pytest.mark.parametrize("suffix", ["avi", "mkv"])
def test_a_video_that_ends_too_early_says_how_much_was_read(tmp_path, suffix):
    path = tmp_path / f"film.{suffix}"
    data = film(path)
    with open_pictures(path) as pictures:
        assert len(list(pictures.frames)) == 60 and pictures.warnings == []
    path.write_bytes(data[: int(0.8 * len(data))])
    with open_pictures(path) as pictures:
        count = len(list(pictures.frames))
        assert 40 <= count <= 50
        assert pictures.warnings == [f"{count} of the 60 frames of film.{suffix} could be read; the rest is missing or damaged."]
    path.write_bytes(data[: int(0.3 * len(data))])
    with pytest.raises(InputError, match=rf"^Only \d+ of the 60 frames of film\.{suffix} could be read; "), open_pictures(path) as pictures:
        list(pictures.frames)


def test_unusable_sources_are_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("this is no video")
    for name, sentence in (("empty", "holds no pictures"), ("text.mp4", "not a video"), ("none.mp4", "does not exist")):
        with pytest.raises(InputError, match=sentence), open_pictures(tmp_path / name) as pictures:
            list(pictures.frames)
