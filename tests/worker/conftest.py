import shutil
import sys
from pathlib import Path

import pytest

import likeness.core.settings
from likeness.worker.client import WorkerClient

REPOSITORY = Path(likeness.core.settings.__file__).parents[1]


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """A copy of the package, under a folder name that tries one's patience, whose pipeline and tracker are stubs."""
    root = tmp_path_factory.mktemp("Ünï cödé 顔") / "my extension"
    for name in ("core", "worker"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).with_name("stub_pipeline.py"), root / "core" / "pipeline.py")
    shutil.copy(Path(__file__).with_name("stub_track.py"), root / "core" / "animation" / "track.py")
    (root / "weights").mkdir()
    (root / "weights" / "SHA256SUMS").touch()
    return root


@pytest.fixture
def client(package):
    client = WorkerClient(Path(sys.executable), package)
    yield client
    client.close()
