"""Which frames of a video in which a person turns stand for photos of that person."""

import cv2
import numpy as np
import pytest
import skimage.data

from likeness.core.animation.turn import Candidate, face_turn, sharp, spread, turn_frames
from likeness.core.animation.video_frames import VideoFrames
from likeness.core.errors import AssetError, NoFaceError
from likeness.core.models.head import HeadModel
from likeness.core.models.rotation import rotation_matrix
from likeness.core.photo.faces import Face, MediaPipeDetector
from likeness.core.photo.landmarks import MEDIAPIPE


@pytest.fixture(scope="module")
def detector() -> MediaPipeDetector:
    return MediaPipeDetector()


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:320, 60:380])


def film(path, pictures):
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, pictures[0].shape[1::-1])
    for picture in pictures:
        video.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    video.release()
    return path


def test_frames_are_as_far_apart_as_there_are_and_the_frontal_one_comes_first():
    frames = [Candidate(number, np.zeros((1, 1, 3), np.uint8), turn, 1.0) for number, turn in enumerate([-40.0, -35, 3, 10, 20, 55])]
    assert [frame.turn for frame in spread(frames, 4)] == [3, 55, -40, 20]
    assert [frame.turn for frame in spread(frames, 8)] == [3, 55, -40, 20], "what is nearer than 12 degrees adds nothing"


def test_a_blurred_frame_gives_way_to_a_sharp_one_that_is_turned_a_little_more():
    blank = np.zeros((1, 1, 3), np.uint8)
    blurred, better, other = Candidate(0, blank, 1.0, 0.1), Candidate(1, blank, -8.0, 1.0), Candidate(2, blank, 40.0, 0.1)
    assert sharp([blurred, better, other]) == [better, other], "of another side the only frame stays, however blurred"


@pytest.mark.parametrize("degrees", [-40, 0, 25])
def test_a_turn_to_the_persons_left_is_positive(degrees):
    model = HeadModel.load()
    points = model.mediapipe.on(model.mean) @ rotation_matrix(np.array([0, np.radians(degrees), 0])).T
    face = Face({MEDIAPIPE: (points * [1000, -1000, 1000]).astype(np.float32)}, 1.0)
    assert face_turn(face) == pytest.approx(degrees, abs=1)


def test_of_frames_that_show_the_same_the_sharpest_is_taken(tmp_path, detector, portrait):
    blurred = cv2.GaussianBlur(portrait, (0, 0), 3)
    shares = []
    frames = turn_frames(film(tmp_path / "clip.avi", [blurred, portrait, blurred, np.zeros_like(portrait)]), detector, 5, shares.append)
    assert frames.numbers.tolist() == [1] and frames.pictures.shape == (1, *portrait.shape)
    assert shares == [0, 0.25, 0.5, 0.75]
    assert frames.names == ["clip 1 (frame 1)"] and frames.note.startswith("clip.avi shows the person from one side only")
    frames.save(tmp_path / "frames.npz")
    assert np.array_equal(VideoFrames.load(tmp_path / "frames.npz").pictures, frames.pictures)


def test_two_sides_give_two_frames_without_a_note():
    frames = VideoFrames("clip.avi", np.array([3, 9]), np.zeros(2, np.float32), np.zeros((2, 4, 4, 3), np.uint8))
    assert frames.note == "" and frames.names == ["clip 1 (frame 3)", "clip 2 (frame 9)"]


def test_a_video_without_faces_and_a_file_that_is_none_are_said(tmp_path, detector, portrait):
    with pytest.raises(NoFaceError, match=r"^empty\.avi shows no face; use a video in which a face is seen clearly\.$"):
        turn_frames(film(tmp_path / "empty.avi", [np.zeros_like(portrait)] * 3), detector, 5)
    (tmp_path / "other.npz").write_bytes(b"PK")
    with pytest.raises(AssetError, match="holds no frames of a video; try again"):
        VideoFrames.load(tmp_path / "other.npz")
