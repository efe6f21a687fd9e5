"""The extension inside bpy, as a plain Python module or within a real Blender.

EXT_MODE=repo (default) enables the source tree as a local extension repository; EXT_MODE=zip builds the zip with Blender's own
`extension build` and installs it, which is the release gate. One bpy per process.
"""

import atexit
import dataclasses
import functools
import importlib
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SAMPLE_RIG = runpy.run_path(str(HERE / "sample_rig.py"))
SAMPLE = runpy.run_path(str(HERE / "sample.py"))
MODE = os.environ.get("EXT_MODE", "repo")
_status = pytest.StashKey[int]()
_scratch = Path(tempfile.mkdtemp(prefix="likeness_tests_"))
if "bpy" not in sys.modules:  # keep away from the developer's own Blender; a real Blender gets this from its launcher
    os.environ["BLENDER_USER_RESOURCES"] = str(_scratch / "user")
import bpy  # noqa: E402, I001
import addon_utils  # noqa: E402 - importable only after bpy


def _unload() -> None:
    """A class that is still registered when the interpreter ends hangs bpy 4.5; this runs before bpy's own exit handler."""
    for name in [addon.module for addon in bpy.context.preferences.addons if addon.module.startswith("bl_ext.")]:
        addon_utils.disable(name)
    shutil.rmtree(_scratch, ignore_errors=True)


atexit.register(_unload)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without the interpreter's ending: bpy 4.5 waits there for ever for its GPU threads once it has rendered and met glTF."""
    _unload()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(config.stash.get(_status, 1))


@functools.cache
def _zip() -> Path:
    """Built by Blender's own tool, which needs only plain Python."""
    tool = Path(bpy.utils.system_resource("SCRIPTS"), "addons_core/bl_pkg/cli/blender_ext.py")
    folder = _scratch / "dist"
    folder.mkdir()
    arguments = ["build", "--source-dir", str(ROOT), "--output-dir", str(folder)]
    subprocess.run([sys.executable, "-I", str(tool), *arguments], check=True, capture_output=True, text=True)
    return next(folder.glob("*.zip"))


@functools.cache
def _enable() -> ModuleType:
    if MODE == "zip":
        done = bpy.ops.extensions.package_install_files(filepath=str(_zip()), repo="user_default", enable_on_install=True)
        assert done == {"FINISHED"}
        name = "bl_ext.user_default.likeness"
    else:
        repository = _scratch / "repository"
        repository.mkdir()
        (repository / "likeness").symlink_to(ROOT, target_is_directory=True)
        bpy.context.preferences.extensions.repos.new(name="dev", module="dev", custom_directory=str(repository), source="USER")
        addon_utils.extensions_refresh(ensure_wheels=True)
        name = "bl_ext.dev.likeness"
        assert addon_utils.enable(name, default_set=True) is not None
    return importlib.import_module(name)


@pytest.fixture(scope="session")
def extension_zip() -> Path:
    return _zip()


@pytest.fixture
def extension() -> ModuleType:
    """The enabled extension's root package."""
    return _enable()


@pytest.fixture
def part(extension):
    """part("scene.build") is that module inside the extension."""
    return lambda name: importlib.import_module(f"{extension.__name__}.{name}")


@pytest.fixture(autouse=True)
def empty_file(extension):
    """An empty file before every test; the extension stays enabled."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def make_result(part):
    """A factory of small results; keyword arguments replace fields, and `surface` those of the mesh."""

    def make(name: str = "Ada", distance: float = 0.6, size: tuple[int, int] = (96, 128), surface: dict | None = None, **changes):
        result = SAMPLE["result"](part, name, size, distance)
        meshes = {"surface": dataclasses.replace(result.surface, **(surface or {}))}
        return dataclasses.replace(result, **({"meshes": meshes} | changes))

    return make


@pytest.fixture
def body_result(part, make_result):
    """A result of a body of 1.7 m whose feet stand on the ground."""
    return SAMPLE["standing"](part, make_result())


@functools.cache
def _model():
    return SAMPLE_RIG["Model"](ROOT / "weights" / "head_model.npz")


@pytest.fixture
def sample_model():
    """The bundled head model's arrays."""
    return _model()


@pytest.fixture
def rigged(part):
    """A rigged head: a person of the bundled head model in a pose, with a corrective and a texture."""
    head = SAMPLE_RIG["rigged"](part("core.topology.rigged"), _model(), SAMPLE_RIG["parameters"]())
    return dataclasses.replace(head, **SAMPLE_RIG["extras"](len(head.neutral)))


@pytest.fixture
def rigged_result(make_result, rigged):
    """A result with a rigged head; its reconstructed head is the skin of the rigged one in the photo's pose, as closed and as wide."""
    faces = rigged.faces[rigged.face_part == 0]
    count = int(faces.max()) + 1
    skin = {
        "vertices": rigged.posed(rigged.key_values, rigged.rotations)[:count],
        "faces": faces,
        "normals": np.tile(np.float32([0, 0, 1]), (count, 1)),
        "colours": np.random.default_rng(2).random((count, 3), np.float32),
        "observed": np.ones(count, np.float32),
    }
    return make_result(rigged=rigged, surface=skin)


@pytest.fixture
def evaluated():
    """evaluated(object): its vertices (V, 3) as deformed, back in the upright frame."""

    def vertices(item: bpy.types.Object) -> np.ndarray:
        mesh = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        values = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.attributes["position"].data.foreach_get("vector", values)
        return values.reshape(-1, 3) @ np.float32([[1, 0, 0], [0, 0, -1], [0, 1, 0]])

    return vertices


@pytest.fixture
def stub_python(tmp_path) -> Path:
    """Looks like a Python with the worker's packages; stub_worker.py tells what it does."""
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\nLIKENESS_STUB_PYTHON="$0" exec "{sys.executable}" -I -u "{HERE / "stub_worker.py"}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def preferences(part):
    """The extension's preferences, empty, and nothing to report; afterwards the worker ends."""
    chosen = part("operators.environment").preferences(bpy.context)
    part("operators.failure").forget()
    part("operators.self_test").summary = ""
    yield chosen
    part("worker.client").close_shared()
    chosen.existing_python = chosen.wheels = ""


class FakeLayout(SimpleNamespace):
    """Stands in for UILayout where there is no window: records what a panel draws and checks nothing else."""

    def __init__(self) -> None:
        super().__init__(calls=[])

    def __getattr__(self, name: str):
        def call(*args, **kwargs):
            self.calls.append((name, args, kwargs))
            if name == "operator":
                return SimpleNamespace()
            return self

        return call


@pytest.fixture
def layout() -> FakeLayout:
    return FakeLayout()
