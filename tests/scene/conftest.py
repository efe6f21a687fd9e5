"""The extension inside bpy, as a plain Python module or within a real Blender.

EXT_MODE=repo (default) enables the source tree as a local extension repository; EXT_MODE=zip builds the zip with Blender's own
`extension build` and installs it, which is the release gate. One bpy per process.
"""

import atexit
import functools
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
MODE = os.environ.get("EXT_MODE", "repo")
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
    """A factory of small, asymmetric stand-ins for a reconstruction: a turned and shifted ellipsoid with a nose, seen in a grey photo."""

    def make(name: str = "Ada", distance: float = 0.6, size: tuple[int, int] = (96, 128), **changes):
        vertices, faces = _head()
        rotation = _turn(0.3, -0.2, 0.1)
        view = part("core.photo.view")
        values = {
            "name": name,
            "vertices": (vertices @ rotation.T).astype(np.float32),
            "faces": faces,
            "colours": np.random.default_rng(0).random(vertices.shape, np.float32),
            "observed": np.linspace(0, 1, len(vertices), dtype=np.float32),
            "normals": vertices / np.linalg.norm(vertices, axis=1, keepdims=True),
            "photo": np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8),
            "camera": view.Camera((size[1] * 0.55, size[0] * 0.4), size[0] * 2.2, distance),
            "rotation": rotation,
            "neck": rotation @ np.array([0.0, -0.12, -0.08]),
            "report": {
                "settings": {"quality": "draft"},
                "version": "0.1.0",
                "weights": {"head_model.npz": "00"},
                "silhouette_iou": 0.97,
                "landmark_error": 0.012,
                "observed_share": 0.5,
                "warnings": ["The photo is small; the result may lack detail."],
            },
        }
        return part("core.result").Result(**(values | changes))

    return make


def _head(rows: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """A closed ellipsoid in the head's own frame (x left, y up, z forward): 0.16 m wide, 0.26 m high, with a nose."""
    columns = 2 * rows
    polar = np.linspace(0, np.pi, rows)[1:-1, None]
    round_ = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    ring = np.stack([np.sin(polar) * np.sin(round_), np.cos(polar) + 0 * round_, np.sin(polar) * np.cos(round_)], axis=-1)
    vertices = np.concatenate([ring.reshape(-1, 3), [[0, 1, 0]], [[0, -1, 0]]]) * [0.08, 0.13, 0.1]
    vertices[:, 2] += 0.03 * np.exp(-((vertices[:, 0] ** 2 + (vertices[:, 1] + 0.03) ** 2) / 0.0004)) * (vertices[:, 2] > 0)
    here = np.arange(columns)
    there = (here + 1) % columns
    faces = []
    for row in range(rows - 3):
        a, b = row * columns + here, row * columns + there
        faces += [np.stack([a, a + columns, b + columns], 1), np.stack([a, b + columns, b], 1)]
    top, bottom = len(vertices) - 2, len(vertices) - 1
    last = (rows - 3) * columns
    faces += [np.stack([np.full(columns, top), here, there], 1), np.stack([np.full(columns, bottom), last + there, last + here], 1)]
    return vertices, np.concatenate(faces).astype(np.int32)


def _turn(yaw: float, pitch: float, roll: float) -> np.ndarray:
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(angle), np.sin(angle)) for angle in (yaw, pitch, roll))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


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
