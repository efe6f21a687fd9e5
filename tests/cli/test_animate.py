"""`likeness animate`. The worker and Blender are stubs."""

import json

import numpy as np
import pytest
from PIL import Image

from likeness.cli.animate import head_frame
from likeness.cli.main import main
from likeness.core.animation.performance import Performance


@pytest.fixture
def take(tmp_path):
    path = tmp_path / "take.csv"
    path.write_text("Timecode,BlendShapeCount,EyeBlinkLeft,EyeBlinkRight,JawOpen\n0:0:0:01,61,0,0,0.5\n")
    return path


def test_a_recording_animates_the_head_of_a_photo(capfd, workers, picture, take, tmp_path, blender):
    out = tmp_path / "out"
    arguments = ["animate", str(take), "--output", str(out), "--blender", str(blender)]
    assert main([*arguments, "--head", str(picture("a.jpg"))]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["preview.png", "report.json", "take.blend", "take.glb"]
    assert json.loads((out / "report.json").read_text())["settings"]["rig"] is True
    assert '"performance": "' in (out / "take.glb").read_text()
    assert json.loads((out / "report.json").read_text())["warnings"] == []
    capfd.readouterr()
    assert main(arguments) == 2 and len(workers) == 1
    assert capfd.readouterr().err == "take.csv shows no head; give the photo of one with --head.\n"


def test_what_is_wrong_with_a_recording_is_in_the_report(workers, picture, take, tmp_path, blender):
    take.write_text(take.read_text() + "0:0:0:02,61,0,")
    head = str(picture("a.jpg"))
    assert main(["animate", str(take), "--head", head, "--output", str(tmp_path / "out"), "--blender", str(blender)]) == 0
    (warning,) = json.loads((tmp_path / "out" / "report.json").read_text())["warnings"]
    assert warning.startswith("The last line of take.csv is cut off")


def test_a_photo_is_tracked_by_the_worker_and_is_the_head_itself(workers, picture, tmp_path, blender):
    photo = picture("smile.png")
    assert main(["animate", str(photo), "--output", str(tmp_path / "out"), "--blender", str(blender)]) == 0
    assert (tmp_path / "out" / "smile.glb").exists() and workers[0].photos[0].name == "smile.png"


def test_results_never_lie_among_the_pictures_of_a_sequence(capfd, workers, picture, tmp_path, blender):
    picture("0.png")
    assert main(["animate", str(tmp_path / "in"), "--output", str(tmp_path / "in"), "--blender", str(blender)]) == 2
    assert "would lie among the pictures" in capfd.readouterr().err and not workers


def test_what_is_missing_is_said_at_once(capfd, workers, take, tmp_path, blender):
    arguments = ["--output", str(tmp_path / "out"), "--blender", str(blender)]
    assert main(["animate", str(tmp_path / "talk.mp4"), *arguments]) == 2
    assert main(["animate", str(take), "--head", str(tmp_path / "no.jpg"), *arguments]) == 2
    assert [line.partition(" ")[2] for line in capfd.readouterr().err.splitlines()] == ["does not exist; check the path."] * 2
    assert not workers and not (tmp_path / "out").exists()


def test_the_head_of_a_video_is_the_frame_most_from_the_front(tmp_path):
    for number in range(4):
        Image.fromarray(np.full((40, 40, 3), 60 * number, np.uint8)).save(tmp_path / f"{number}.png")
    rotations = np.zeros((4, 5, 3))
    rotations[:, 1, 1] = [0.4, -0.1, 0.2, 0.0]
    seen = np.array([True, True, True, False])
    performance = Performance("shot", np.arange(4.0), ("jawOpen",), np.zeros((4, 1)), rotations, seen)
    (tmp_path / "own").mkdir()
    assert np.asarray(Image.open(head_frame(tmp_path, performance, tmp_path / "own"))).mean() == 60
