"""The real worker with a pipeline that needs no torch. Takes Python's place: stub_worker.py -I -u launch.py MODULE ARGUMENT...

A photo whose name begins with `broken` ends in the user's sentence, one that begins with `killed` ends the process, any other
takes LIKENESS_STUB_SECONDS (default 0.3) and gives the head of sample.py, with a rig (sample_rig.py) when that is asked for.
A baked texture has the photo's mean colour but for red: the mesh's and the reconstruction's vertices lie on each other where it is 255.
"""

import dataclasses
import importlib
import os
import runpy
import sys
import time
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
STAGES = ("photo", "fit", "normals", "field", "surface", "detail", "colour")
SECONDS = float(os.environ.get("LIKENESS_STUB_SECONDS", "0.3"))


class InteractiveFit:
    """The sample head's own shape, with a nose and a chin that go where pins say; two people; a mask whose left half is the person."""

    def follow(self, photo, settings, pins):
        import numpy as np

        from likeness.core.fitted_face import FittedFace

        sample = runpy.run_path(str(HERE / "sample.py"))
        result = sample["result"](lambda name: importlib.import_module(f"likeness.{name}"))
        view, mesh = result.views[0], result.surface
        points = view.pose.to_camera(mesh.vertices)
        seen = np.column_stack([view.camera.project(points), points[:, 2]])
        names = ("Nose Tip", "Chin")
        marks = seen[[int(mesh.vertices[:, 2].argmax()), int(mesh.vertices[:, 1].argmin())]].copy()
        for pin in pins:
            if pin.landmark in names:
                moved = np.array(pin.at) - marks[names.index(pin.landmark), :2]
                marks[names.index(pin.landmark), :2] += moved
                seen[:, :2] += moved
        return FittedFace(seen, mesh.faces, names, marks, np.array([[*pin.at, 0] for pin in pins]).reshape(-1, 3))

    def inspect(self, photo, settings, mask):
        import numpy as np

        from likeness.core.inspection import Inspection

        matte = np.zeros((96, 128), np.uint8)
        matte[:, :64] = 255
        boxes = np.array([[0.1, 0.1, 0.3, 0.4], [0.6, 0.1, 0.8, 0.4]])
        return Inspection(boxes, np.zeros((2, 96, 96, 3), np.uint8), 50.0, matte if mask else None)


class Reconstructor:
    interactive = InteractiveFit()

    @classmethod
    def load(cls, device):
        return cls()

    def run(self, photo, settings, progress, cancel=lambda: False, early=None):
        from likeness.core.errors import Cancelled, NoFaceError, NoSubjectError

        photos = photo if isinstance(photo, list) else [photo]
        photo = photos[0]
        if photo.stem.startswith("broken"):
            raise NoSubjectError(f"{photo.name} shows no face; choose another photo.")
        if photo.stem.startswith("pair") and settings.subject_index > 1:
            raise NoSubjectError(f"{photo.name} shows 2 people; choose one.")
        if photo.stem.startswith("pair broken") and settings.subject_index == 0:
            raise NoFaceError("The left one is too small; choose another photo.")
        if photo.stem.startswith("killed"):
            os._exit(139)
        if early is not None and settings.subject != "body":
            sample = runpy.run_path(str(HERE / "sample.py"))
            early(sample["result"](lambda name: importlib.import_module(f"likeness.{name}"), photo.stem))
        for number in range(50):
            progress(STAGES[number * len(STAGES) // 50], number / 50)
            time.sleep(SECONDS / 50)
            if cancel():
                raise Cancelled("Cancelled.")
        sample = runpy.run_path(str(HERE / "sample.py"))
        result = sample["result"](lambda name: importlib.import_module(f"likeness.{name}"), photo.stem)
        # What a run was told, for tests of what tells it.
        told = {name: Path(getattr(settings, name)).read_bytes().hex() for name in ("pins", "mask") if getattr(settings, name)}
        if settings.subject == "body":
            result = sample["standing"](lambda name: importlib.import_module(f"likeness.{name}"), result)
        report = result.report | {"settings": settings.to_report(), "told": told}
        if len(photos) > 1:
            report["photos"] = [
                {"photo": one.name, "used": not one.stem.startswith("other"), "role": "left", "turn": 40.0, "added": 0.25,
                 "reason": f"{one.name} shows somebody else."}
                for one in photos
            ]  # fmt: skip
            used = [one for one in photos if not one.stem.startswith("other")]
            result = dataclasses.replace(result, views=result.views * len(used))
        return dataclasses.replace(result, rigged=self._rigged() if settings.rig else None, report=report)

    def _rigged(self):
        from likeness.core.topology import rigged

        sample = runpy.run_path(str(HERE / "sample_rig.py"))
        model = sample["Model"](Path(rigged.__file__).parents[2] / "weights" / "head_model.npz")
        return sample["rigged"](rigged, model, sample["parameters"]())


class Tracker:
    """Ten frames in which the jaw opens and the head turns; a photo gives the last of them."""

    @classmethod
    def load(cls):
        return cls()

    def run(self, source, smoothing, progress, cancel):
        import numpy as np

        from likeness.core.animation.performance import Performance
        from likeness.core.errors import Cancelled, NoFaceError

        if source.stem.startswith("broken"):
            raise NoFaceError(f"{source.name} shows no face; use another.")
        for number in range(50):
            progress("track", number / 50)
            time.sleep(SECONDS / 50)
            if cancel():
                raise Cancelled("Cancelled.")
        share = np.linspace(0, 1, 10) if source.is_dir() else np.ones(1)
        values = np.stack([0.6 * share, 0 * share + smoothing], axis=1)
        rotations = np.zeros((len(share), 5, 3))
        rotations[:, 1, 1], rotations[:, 3:, 0] = 0.5 * share, 0.2
        return Performance(source.stem, np.arange(len(share)) / 24, ("jawOpen", "mouthPucker"), values, rotations, share >= 0)


def bake_textures(mesh, result, maps, progress):
    import numpy as np

    from likeness.core.colour.uv_mesh import Textures

    for number in range(50):
        progress(number / 50)
        time.sleep(SECONDS / 50)
    colour = np.empty((maps.size, maps.size, 3), np.uint8)
    colour[:] = result.views[0].photo.mean((0, 1))
    there = result.surface.vertices
    colour[..., 0] = 255 * (len(mesh.vertices) == len(there) and np.abs(mesh.vertices - there).max() < 1e-5)
    heights = np.full((maps.size, maps.size), -maps.cage, np.float32)
    found = {"colour": colour, "normal": np.full_like(colour, (128, 128, 255)), "displacement": heights, "observed": colour[..., 0]}
    return Textures(**{name: picture for name, picture in found.items() if name in maps.names})


def template_mesh(result, cover, inner, progress):
    """Eight quads of a box around the reconstruction's front half, narrower without hair; eyes, teeth and tongue are one more."""
    import numpy as np

    from likeness.core.topology.quads import QuadMesh

    for number in range(50):
        progress(number / 50)
        time.sleep(SECONDS / 50)
    low, high = result.surface.vertices.min(0), result.surface.vertices.max(0)
    corners = np.stack(np.meshgrid([0, 0.5, 1], [0, 0.5, 1], [0.5, 1], indexing="ij"), -1).reshape(-1, 3)
    number = np.arange(18).reshape(3, 3, 2)
    front = [[number[x, y, 1], number[x + 1, y, 1], number[x + 1, y + 1, 1], number[x, y + 1, 1]] for x in (0, 1) for y in (0, 1)]
    left = [[number[2, y, 1], number[2, y, 0], number[2, y + 1, 0], number[2, y + 1, 1]] for y in (0, 1)]
    right = [[number[0, y, 0], number[0, y, 1], number[0, y + 1, 1], number[0, y + 1, 0]] for y in (0, 1)]
    faces = np.array(front + left + right + [[number[0, 0, 0], number[1, 0, 0], number[1, 0, 1], -1]] * inner, np.int32)
    vertices = (low + corners * (high - low) * (1 if cover else 0.9)).astype(np.float32)
    colours = np.tile(np.float32([0.2, 0.4, 0.6]), (18, 1))
    return QuadMesh(
        vertices, faces, corners[:, :2].astype(np.float32), faces, colours, np.ones(18, np.float32), corners[:, 2].astype(np.float32)
    )


def main() -> None:
    launch = next(number for number, argument in enumerate(sys.argv) if argument.endswith("launch.py"))
    stub = types.ModuleType("likeness.core.pipeline")
    stub.Reconstructor = Reconstructor
    sys.modules[stub.__name__] = stub
    tracking = types.ModuleType("likeness.core.animation.track")
    tracking.Tracker = Tracker
    sys.modules[tracking.__name__] = tracking
    baking = types.ModuleType("likeness.core.colour.textures")
    baking.bake_textures = bake_textures
    sys.modules[baking.__name__] = baking
    retopology = types.ModuleType("likeness.core.topology.retopology")
    retopology.template_mesh = template_mesh
    sys.modules[retopology.__name__] = retopology
    sys.executable = os.environ.get("LIKENESS_STUB_PYTHON", sys.executable)  # the command line starts its worker with it
    sys.argv = sys.argv[launch:]
    runpy.run_path(sys.argv[0], run_name="__main__")


main()
