"""Damaged files: pictures of every format, videos and takes of Live Link Face with bytes changed, cut off, doubled or taken out."""

import io
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
from PIL import Image

from ...core.models.head import HeadModel
from .bench import Bench, Case, is_whole

_PATIENCE = 30.0  # seconds for one file
_SEED = 12


def damaged_files(bench: Bench) -> list[Case]:
    """Each is read or refused with one sentence, by the product's own readers."""
    folder = bench.folder("files")
    paths = list(_mutants(folder, 15 if bench.quick else 60))
    return _read_all(bench, paths)


def photos_that_cannot_be_used(bench: Bench) -> list[Case]:
    """A batch on the command line: one sentence for each bad photo, and the good one among them is made."""
    folder = bench.folder("unusable")
    grey = Image.new("RGB", (200, 200), (120, 130, 110))
    grey.save(folder / "nobody.png")
    grey.save(folder / "animated.gif")
    (folder / "words.jpg").write_text("These are words.")
    (folder / "empty.png").touch()
    (folder / "folder.png").mkdir()
    (folder / "cut.png").write_bytes(bench.photo.read_bytes()[:5000])
    (folder / "loop.png").symlink_to(folder / "loop.png")
    names = ("nobody.png", "animated.gif", "words.jpg", "empty.png", "folder.png", "cut.png", "loop.png", "none.png")
    bad = [folder / name for name in names]
    result = bench.run(bench.arguments(*bad, bench.photo, output=folder / "out"))
    outcome = result.outcome(done=False, sentences=len(bad))
    lost = [] if is_whole(folder / "out" / "astronaut") else ["the good photo's result"]
    cases = [Case(f"{len(bad)} bad photos and a good one", outcome, lost, result.detail)]
    alone = bench.run(bench.arguments(folder / "none.png", output=folder / "out2"))
    slow = alone.seconds > 3
    cases.append(Case("a missing photo is said at once", "speechless" if slow else alone.outcome(done=False), (), alone.detail))
    return cases


def _mutants(folder: Path, each: int) -> Iterator[Path]:
    rng = np.random.default_rng(_SEED)
    for name, data in _originals(folder).items():
        for number in range(each):
            stem, suffix = name.rsplit(".", 1)
            path = folder / f"{stem}-{number}.{suffix}"
            path.write_bytes(data if number == 0 else _damage(data, rng))
            yield path


def _damage(data: bytes, rng: np.random.Generator) -> bytes:
    content = bytearray(data)
    start, size = (int(rng.integers(0, len(content))), int(rng.integers(1, 64)))
    match rng.integers(0, 5):
        case 0:
            for place in rng.integers(0, len(content), rng.integers(1, 9)):
                content[place] = rng.integers(0, 256)
        case 1:  # the beginning holds sizes and offsets
            for place in rng.integers(0, min(len(content), 120), rng.integers(1, 4)):
                content[place] = rng.choice([0, 1, 127, 128, 254, 255])
        case 2:
            del content[start:]
        case 3:
            del content[start : start + size]
        case _:
            content[start:start] = content[start : start + size]
    return bytes(content)


def _originals(folder: Path) -> dict[str, bytes]:
    """Small files of each kind, with what the format has to offer."""
    pillow_heif.register_heif_opener()
    rng = np.random.default_rng(_SEED)
    rows, columns = np.mgrid[:48, :64]
    colours = np.stack([rows * 5, columns * 4, 255 - rows * 2 - columns], axis=2).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(colours)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA405] = 26
    with_alpha = picture.copy()
    with_alpha.putalpha(Image.fromarray(rng.integers(0, 256, (48, 64), np.uint8)))
    found: dict[str, bytes] = {}

    def save(name: str, image: Image.Image, format: str, **options) -> None:
        buffer = io.BytesIO()
        image.save(buffer, format, **options)
        found[name] = buffer.getvalue()

    save("photo.jpg", picture, "JPEG", exif=exif.tobytes())
    save("progressive.jpg", picture, "JPEG", progressive=True)
    save("photo.png", with_alpha, "PNG", exif=exif.tobytes())
    save("palette.png", picture.quantize(16), "PNG")
    save("photo.webp", with_alpha, "WEBP")
    save("photo.tif", picture, "TIFF", compression="tiff_lzw")
    save("deep.tif", Image.fromarray(rng.random((48, 64)).astype(np.float32)), "TIFF")
    save("photo.bmp", picture, "BMP")
    save("photo.avif", picture, "AVIF")
    save("photo.heic", picture, "HEIF")
    found["float.tif"] = cv2.imencode(".tif", colours.astype(np.float32) / 255)[1].tobytes()
    for suffix in ("avi", "mkv"):
        path = folder / f"video.{suffix}"
        video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
        for frame in rng.integers(0, 256, (10, 48, 64, 3), np.uint8):
            video.write(frame)
        video.release()
        found[path.name] = path.read_bytes()
    names = HeadModel.load().expression_names
    lines = ["Timecode,BlendShapeCount," + ",".join(name[0].upper() + name[1:] for name in names)]
    lines += [f"10:00:00:{frame:02},52," + ",".join(f"{value:.4f}" for value in rng.random(len(names))) for frame in range(20)]
    found["take.csv"] = ("\n".join(lines) + "\n").encode()
    return found


def _read_all(bench: Bench, paths: list[Path]) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < len(paths):
        cases += _read_until_it_dies(bench, paths[len(cases) :])
    return cases


def _read_until_it_dies(bench: Bench, paths: list[Path]) -> Iterator[Case]:
    """All cases, or those up to the one at which the reader crashed or hung."""
    program = [sys.executable, "-m", "likeness.benchmarks.hostile.reader"]
    reader = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert reader.stdin is not None and reader.stdout is not None
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    stdout = reader.stdout
    threading.Thread(target=lambda: [answers.put(line) for line in stdout] and None, daemon=True).start()
    try:
        for path in paths:
            reader.stdin.write(f"{path}\n")
            reader.stdin.flush()
            try:
                outcome, result = json.loads(answers.get(timeout=_PATIENCE))
            except queue.Empty:
                crashed = reader.poll() is not None
                yield Case(path.name, "crashed" if crashed else "hung", (), f"code {reader.returncode}; kept as {path}")
                return
            yield Case(path.name, outcome, (), result)
    finally:
        reader.kill()
        reader.wait()
