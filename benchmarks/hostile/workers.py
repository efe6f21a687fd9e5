"""The worker process: many jobs in one, weights that were tampered with."""

import hashlib
import os
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

from ...core.errors import LikenessError
from ...core.result import Result
from ...core.settings import Settings
from ...worker.client import PACKAGE_ROOT, WorkerClient
from .bench import Bench, Case, is_whole

_GROWTH = 0.05  # share by which a worker may grow between its fifth and its last job
_FIELD = "field.safetensors"


def many_jobs(bench: Bench) -> list[Case]:
    """One worker, the same photo again and again: the same result to the bit, and no growth."""
    count, cases, memory, results = 8 if bench.quick else 25, [], [], set()
    client = WorkerClient(Path(sys.executable))
    try:
        for number in range(count):
            try:
                client.reconstruct([bench.photo], Settings(quality="draft"))
                result = Result.load(client.wait())
            except LikenessError as error:
                cases.append(Case(f"job {number + 1}", "speechless", (), str(error)))
                continue
            surface = result.surface
            results.add(hashlib.sha256(surface.vertices.tobytes() + surface.faces.tobytes()).hexdigest())
            memory.append(_resident(client.pid or 0))
            cases.append(Case(f"job {number + 1}", "fine", (), f"{memory[-1] >> 20} MiB"))
    finally:
        client.close()
    growth = memory[-1] / memory[min(4, len(memory) - 1)] - 1 if memory else 1.0
    told = f"{growth:+.1%} from job 5 to job {count}, {len(results)} different results"
    cases.append(Case("growth and repetition", "fine" if growth < _GROWTH and len(results) == 1 else "speechless", (), told))
    return cases


def tampered_weights(bench: Bench) -> list[Case]:
    """Never used: one sentence, whatever was done to the files or to the list of their hashes."""
    package, module = _copy(bench), entry_points(group="console_scripts")["likeness"].module
    cases = []
    attempts = list(_attempts())
    for name, change in attempts if not bench.quick else attempts[:4]:
        weights = bench.folder("package/weights")
        for file in (PACKAGE_ROOT / "weights").iterdir():
            os.link(file, weights / file.name) if _same_disk(file, weights) else shutil.copy(file, weights)
        change(weights)
        output = bench.folder("tampered")
        program = [sys.executable, "-I", str(package / "worker" / "launch.py"), "--", module]
        result = bench.run(bench.arguments(bench.photo, output=output), program=program)
        outcome = "speechless" if result.code == 0 else result.outcome(done=False)
        cases.append(Case(name, outcome, ["a result of tampered weights"] if is_whole(output) else (), result.detail))
    return cases


def _copy(bench: Bench) -> Path:
    """The package's code, to stand beside other weights."""
    package = bench.folder("package")
    for name in ("core", "worker", "scene", "cli"):
        if (PACKAGE_ROOT / name).is_dir():
            shutil.copytree(PACKAGE_ROOT / name, package / name, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def _attempts() -> Iterator[tuple[str, Callable[[Path], None]]]:
    """What is done to a folder of weights."""

    def rewritten(file: str, edit: Callable[[bytes], bytes], listed: bool = False) -> Callable[[Path], None]:
        def change(weights: Path) -> None:
            data = edit((weights / file).read_bytes())
            _replace(weights / file, data)
            if listed:  # the attacker may write the list, too: then the file's own reader stands alone
                sums = (weights / "SHA256SUMS").read_text().splitlines()
                lines = [f"{hashlib.sha256(data).hexdigest()}  {file}" if line.endswith(f" {file}") else line for line in sums]
                _replace(weights / "SHA256SUMS", ("\n".join(lines) + "\n").encode())

        return change

    def flipped(data: bytes) -> bytes:
        return data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]

    noise = np.random.default_rng(0).bytes(300)
    yield "a bit of the field", rewritten(_FIELD, flipped)
    yield "garbage instead of the list", rewritten("SHA256SUMS", lambda data: noise)
    yield "a field of a huge header, listed", rewritten(_FIELD, lambda data: struct.pack("<Q", 2**62) + data[8:], listed=True)
    yield "the head model cut, listed", rewritten("head_model.npz", lambda data: data[: len(data) // 2], listed=True)
    yield "a bit of the head model", rewritten("head_model.npz", flipped)
    yield "an empty field", rewritten(_FIELD, lambda data: b"")
    yield "an empty field, listed", rewritten(_FIELD, lambda data: b"", listed=True)
    yield "a field cut, listed", rewritten(_FIELD, lambda data: data[: len(data) // 2], listed=True)
    yield "noise instead of the head model, listed", rewritten("head_model.npz", lambda data: noise, listed=True)
    yield "an empty list", rewritten("SHA256SUMS", lambda data: b"")
    yield "no list", lambda weights: (weights / "SHA256SUMS").unlink()
    yield "no field", lambda weights: (weights / _FIELD).unlink()
    yield "no head model", lambda weights: (weights / "head_model.npz").unlink()
    yield "no folder", lambda weights: shutil.rmtree(weights)


def _replace(path: Path, data: bytes) -> None:
    """A new file: the old one may be a second name of the real weights."""
    path.unlink()
    path.write_bytes(data)


def _same_disk(file: Path, folder: Path) -> bool:
    return file.stat().st_dev == folder.stat().st_dev


def _resident(process: int) -> int:
    """Bytes of memory, on Linux."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))
