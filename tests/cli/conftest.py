import functools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import likeness.core
from likeness.cli import head, main
from likeness.core.animation.performance import Performance
from likeness.core.animation.video_frames import VideoFrames
from likeness.core.errors import Cancelled, NoFaceError, NoSubjectError, explain
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera
from likeness.core.result import Mesh, Result, ResultView
from likeness.worker.client import WorkerClient

TESTS = Path(__file__).parents[1]
REPOSITORY = Path(likeness.core.__file__).parents[1]


def tetrahedron(name: str, report: dict) -> Result:
    """Which every writer takes for a person."""
    mesh = Mesh(
        vertices=np.array([[-0.1, 0, 0], [0.1, 0, 0], [0, 0.2, 0], [0, 0.1, 0.1]], np.float32),
        faces=np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32),
        normals=np.tile(np.float32([0, 0, 1]), (4, 1)),
        colours=np.full((4, 3), 0.5, np.float32),
        observed=np.ones(4, np.float32),
    )
    view = ResultView(np.full((32, 32, 3), 128, np.uint8), Camera((16.0, 16.0), 100.0, 1.0), Pose(np.eye(3), np.array([0, -0.1, 0])))
    return Result(name, {"surface": mesh}, (view,), report)


class StubClient:
    """WorkerClient's interface without a process: what happens is in the photo's name."""

    log = "the worker's last words"
    started: list["StubClient"] = []

    def __init__(self, python: Path, threads: int = 0) -> None:
        self._job = lambda progress: Path()
        self.photos: list[Path] = []
        self.started.append(self)

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass

    def reconstruct(self, photos: list[Path], settings, output: Path) -> None:
        photo = photos[0]

        def job(progress):
            self.photos += photos
            progress("Looking at the photo", 0.5)
            if photo.stem == "noface":
                raise NoFaceError(f"{photo.name} shows no face; choose another photo.")
            if photo.stem == "bug":
                raise explain(ZeroDivisionError("a bug"))
            if photo.stem == "cancelled":
                raise Cancelled("Cancelled.")
            if photo.stem == "interrupted":
                raise KeyboardInterrupt
            if photo.stem == "nobody" or settings.subject_index > 2:
                raise NoSubjectError(f"{photo.name} shows nobody of that number; choose another.")
            if photo.stem == "three_blurred" and settings.subject_index == 0:
                raise NoFaceError(f"In {photo.name} person 0 is blurred; choose another photo.")
            said = {"quality": "doubtful", "warnings": ["The face is covered."]} if photo.stem == "covered" else {"warnings": []}
            report = {
                "settings": settings.to_dict(),
                "subject": {"people": 3},
                **said,
                **({"flame": {"model": "FLAME"}} if settings.flame else {}),
            }
            tetrahedron(photo.stem, report).save(output)
            return output

        self._job = job

    def track(self, source: Path, smoothing: float, output: Path) -> None:
        def job(progress):
            Performance(source.stem, np.zeros(1), ("jawOpen",), np.ones((1, 1)), np.zeros((1, 5, 3)), np.ones(1, bool)).save(output)
            return output

        self._job = job

    def choose_frames(self, source: Path, count: int, output: Path) -> None:
        def job(progress):
            progress("frames", 0.5)
            pictures = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.full((3, 8, 8, 3), 40, np.uint8)
            kept = slice(1 if source.stem == "still" else 3)
            VideoFrames(source.name, np.array([7, 2, 11])[kept], np.zeros(3, np.float32)[kept], pictures[kept]).save(output)
            return output

        self._job = job

    def export(self, reconstruction: Path, output: Path) -> None:
        def job(progress):
            assert Result.load(reconstruction).name
            output.write_text(f"{output.suffix} of {os.getpid()}")
            return output

        self._job = job

    def wait(self, progress=None, cancel=None) -> Path:
        return self._job(progress or (lambda stage, fraction: None))


@pytest.fixture(autouse=True, scope="session")
def signals_arrive():
    """Whoever runs the tests in the background of a shell has made them, and so the processes that they start, deaf to these."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def workers(monkeypatch) -> list[StubClient]:
    """The workers that were started; none of them has a process."""
    monkeypatch.setattr(head, "WorkerClient", StubClient)
    monkeypatch.setattr(StubClient, "started", [])
    return StubClient.started


@pytest.fixture
def picture(tmp_path):
    """Makes a small photo, `in/NAME` unless the name says another folder."""

    def make(name: str | Path, folder: Path | None = None) -> Path:
        path = (folder or tmp_path / "in") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (90, 120, 150)).save(path, "PNG")
        return path

    return make


@pytest.fixture
def run(capfd, workers):
    """Runs `likeness reconstruct` in this process with stub workers; gives the exit code and what was said."""

    def call(*arguments):
        code = main.main(["reconstruct", *map(str, arguments)])
        return code, capfd.readouterr()

    return call


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """A copy of the package whose pipeline, tracker and preview are stubs; its worker is a process."""
    root = tmp_path_factory.mktemp("Ünï cödé") / "my extension"
    for name in ("core", "worker", "cli"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TESTS / "worker" / "stub_pipeline.py", root / "core" / "stub.py")
    shutil.copy(TESTS / "cli" / "stub_pipeline.py", root / "core" / "pipeline.py")
    shutil.copy(TESTS / "worker" / "stub_track.py", root / "core" / "animation" / "track.py")
    (root / "core" / "preview.py").write_text("def write_preview(result, path):\n    path.write_bytes(b'a picture')\n")
    (root / "weights").mkdir()
    (root / "weights" / "SHA256SUMS").touch()
    return root


@pytest.fixture
def worker_process(monkeypatch, package) -> None:
    """As `workers`, but with processes that die and crash as real ones do."""
    monkeypatch.setattr(head, "WorkerClient", functools.partial(WorkerClient, package_root=package))


@pytest.fixture
def start(package):
    """Starts the command line as a process of its own, with pipes unless told otherwise; ends it with the test."""
    children = []

    def call(*arguments, **options) -> subprocess.Popen[str]:
        command = [sys.executable, str(package / "worker" / "launch.py"), "likeness.cli.main", *map(str, arguments)]
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8", **options}
        children.append(subprocess.Popen(command, **given))
        return children[-1]

    yield call
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def blender(tmp_path) -> Path:
    """A program that takes results as scene/write.py does and writes its arguments into the files, or fails when one is called
    'unlucky'."""
    program = tmp_path / "mein blender"
    program.write_text(
        f"#!{sys.executable}\nimport json\nimport sys\nfrom pathlib import Path\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    'unlucky' in request['files'][-1] and sys.exit('the disk is full')\n"
        "    assert Path(request['result']).exists()\n"
        "    for file in map(Path, request['files']):\n"
        "        file.suffix in ('.blend', '.glb') and file.write_text(' '.join(sys.argv + [line]))\n"
        "    print('likeness-written', json.dumps({'code': 0, 'sentence': ''}), flush=True)\n"
    )
    program.chmod(0o755)
    return program
