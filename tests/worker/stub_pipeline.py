"""Takes the place of core/pipeline.py in a copy of the package: behaves as the photo's name says, without torch. Used by conftest.py."""

import errno
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

from .errors import Cancelled, NoFaceError
from .fitted_face import FittedFace
from .inspection import Inspection
from .photo.pose import Pose
from .photo.view import Camera
from .result import Mesh, Result, ResultView


class Reconstructor:
    loads = 0

    @classmethod
    def load(cls, device="auto"):
        cls.loads += 1
        return cls()

    def __init__(self):
        self.interactive = InteractiveFit()

    def run(self, photo: Path | list[Path], settings, progress=None, cancel=None, early=None) -> Result:
        if isinstance(photo, list):
            return tiny_result(photo[0].stem, {"photo": [str(one) for one in photo]})
        progress = self.progress = progress or (lambda stage, fraction: None)
        progress("Looking at the photo", 0.1)
        behaviour = getattr(self, photo.stem.partition(" ")[0], None)
        if behaviour:
            behaviour(cancel)
        if early is not None:
            early(tiny_result("first look", {}))
        progress("Finishing", 1.0)
        return tiny_result(photo.stem, {"pid": os.getpid(), "loads": self.loads, "person": settings.subject_index, "photo": str(photo)})

    def slow(self, cancel):
        for _ in range(1000):
            time.sleep(0.02)
            if cancel():
                raise Cancelled("Cancelled.")

    def deaf(self, cancel):
        time.sleep(20)

    def hung(self, cancel):
        threading.Event().wait()

    def spinning(self, cancel):
        while True:
            pass

    def steady(self, cancel):
        for step in range(25):
            time.sleep(0.2)
            self.progress("surface", step / 25)

    def noface(self, cancel):
        raise NoFaceError("noface.png shows no face; choose another photo.")

    def bug(self, cancel):
        raise KeyError("a bug")

    def greedy(self, cancel):
        raise MemoryError

    def aborted(self, cancel):
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
        os.abort()

    def unloadable(self, cancel):
        raise ImportError("libtorch.so: failed to map segment from shared object")

    def misled(self, cancel):
        try:
            raise MemoryError
        except MemoryError as error:
            raise NoFaceError("misled.png shows no face; choose another photo.") from error

    def full(self, cancel):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def homeless(self, cancel):
        open("/no/such/folder/x")  # noqa: SIM115

    def gossip(self, cancel):
        self._pollute(b'{"type": "done", "id": 99, "path": "another"}\n{"type": "progress", "id": 99, "stage": "fit", "fraction": 0.9}\n')

    def killed(self, cancel):
        os.kill(os.getpid(), signal.SIGKILL)

    def segfault(self, cancel):
        os.kill(os.getpid(), signal.SIGSEGV)

    def frozen(self, cancel):
        os.kill(os.getpid(), signal.SIGSTOP)

    def noisy(self, cancel):
        print("a library prints")
        sys.stdout.flush()
        os.write(1, b"so does C++\n")

    def _pollute(self, data):
        import gc

        gc.unfreeze()  # what has been loaded, and the server with it, is frozen
        server = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Server")
        with server._sending:
            os.write(server._sink, data)

    def rude(self, cancel):
        self._pollute(b'{"type": "done"}\n[1]\n\xff\xfe\n{"type": "spell"}\n' + b"x" * 100_000 + b"\n")

    def garbage(self, cancel):
        for _ in range(160):
            self._pollute(b"\x00garbage" * 8192)
        time.sleep(20)


class InteractiveFit:
    def follow(self, photo, settings, pins):
        return FittedFace(np.zeros((3, 3)), np.array([[0, 1, 2]]), ("Chin",), np.zeros((1, 3)), np.array([[*pin.at, 0] for pin in pins]))

    def inspect(self, photo, settings, mask):
        return Inspection(np.zeros((1, 4)), np.zeros((1, 96, 96, 3), np.uint8), 50.0, np.array([[0, 255]], np.uint8) if mask else None)


def tiny_result(name: str, report: dict) -> Result:
    mesh = Mesh(
        vertices=np.array([[0, 0.1, 0.05], [0.1, 0.1, 0.05], [0, 0.2, 0.05], [0, 0.1, 0.15]], np.float32),
        faces=np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32),
        normals=np.tile(np.float32([0, 0, 1]), (4, 1)),
        colours=np.full((4, 3), 0.5, np.float32),
        observed=np.ones(4, np.float32),
    )
    pose = Pose(np.eye(3), np.array([0, -0.1, -0.05]))
    view = ResultView(np.full((8, 8, 3), 128, np.uint8), Camera((4.0, 4.0), 40.0, 1.0), pose)
    return Result(name, {"surface": mesh}, (view,), report)
