"""Folders and names: clashes, names that systems refuse, consoles without the letters, full and read-only disks, two runs at once."""

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .bench import Bench, Case, Snapshot, is_whole


def hostile_names(bench: Bench) -> list[Case]:
    """Each photo gets a result of its own, inside the output folder, whatever it is called; together and alone."""
    names = ["ann's Ünï 顔.png", "CON.png", "...png"]
    if not bench.quick:
        names += ["trailing. .png", "-rf.png", "line\nbreak.png", "a" * 200 + ".png", "%PATH%;$(id).png", "e\u0301.png", "\udcff\udcfe.png"]
    cases = []
    for chosen in (names, *([name] for name in (names if not bench.quick else names[-1:]))):
        folder = bench.folder("names")
        (folder / "photos").mkdir()
        photos = [folder / "photos" / name for name in chosen]
        for photo in photos:
            shutil.copy(bench.photo, photo)
        before = Snapshot(folder)
        result = bench.run(bench.arguments(*photos, output=folder / "out"))
        count = len(list((folder / "out").rglob("*.ply")))
        inside = {path.parts[0] for path in map(Path, Snapshot(folder).files)}
        lost = [*before.lost(), *(f"something outside the output: {name}" for name in inside - {"photos", "out"})]
        lost += ["a result"] * (len(chosen) - count) if result.code == 0 else []
        name = ascii(chosen[0]) if len(chosen) == 1 else f"{len(chosen)} names at once"
        cases.append(Case(name, result.outcome(done=count == len(chosen)), lost, result.detail))
    return cases


def clashing_names(bench: Bench) -> list[Case]:
    """No photo and no foreign file is replaced, and no result takes the place of another."""
    cases = []

    def attempt(name: str, folder: Path, photos: list[Path], output: Path) -> None:
        before = Snapshot(folder)
        result = bench.run(bench.arguments(*photos, output=output))
        count = len(list(output.rglob("*.ply")))
        missing = ["a result"] * (len(photos) - count) if result.code == 0 else []
        cases.append(Case(name, result.outcome(done=count > 0), [*before.lost(), *missing], result.detail))

    folder = bench.folder("clash")
    (folder / "x").mkdir()
    photos = [folder / name for name in ("a.png", "x/a.png", "a-2.png", "A.png", "a.jpg")]
    for photo in photos if not bench.quick else photos[:3]:
        shutil.copy(bench.photo, photo)
    attempt("photos of one name", folder, [photo for photo in photos if photo.exists()], folder / "out")
    for name in ("preview.png", "report.json") if not bench.quick else ("preview.png",):
        folder = bench.folder(f"clash-{name}")
        shutil.copy(bench.photo, folder / name)
        attempt(f"a photo called {name} beside its own result", folder, [folder / name], folder)
    folder = bench.folder("clash-foreign")
    photo = folder / "astronaut.png"
    shutil.copy(bench.photo, photo)
    for name in ("report.json", "preview.png", "astronaut.ply"):
        (folder / name).write_text("mine")
    attempt("foreign files of the result's names", folder, [photo], folder)
    return cases


def consoles(bench: Bench) -> list[Case]:
    """What a console cannot print, or nobody reads, never turns success into failure."""
    folder = bench.folder("consoles")
    photo = folder / "Ünï 顔.png"
    shutil.copy(bench.photo, photo)
    output, cases = folder / "out", []

    def attempt(name: str, of: Path, **options) -> None:
        shutil.rmtree(output, ignore_errors=True)
        result = bench.run(bench.arguments(of, output=output), **options)
        outcome = result.outcome(done=bool(list(output.glob("*.ply"))))
        cases.append(Case(name, "speechless" if outcome == "refused" else outcome, (), result.detail))

    for encoding in ("cp1252",) if bench.quick else ("cp1252", "ascii"):
        attempt(f"console of {encoding}", photo, variables={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    reading, writing = os.pipe()
    os.close(reading)
    attempt("nobody reads standard output", bench.photo, stdout=writing)
    os.close(writing)
    if not bench.quick:
        with open("/dev/full", "wb") as full:
            attempt("standard output on a full disk", bench.photo, stdout=full.fileno())
    return cases


def full_disks(bench: Bench) -> list[Case]:
    """One sentence; nothing half made stays, and what was there before is still there."""
    cases = []
    sizes = [2**16, 2**20] if bench.quick else [2**14, 2**16, 2**18, 2**19, 2**20, 2**21]
    for size in sizes:
        with _small_disk(bench, size) as (disk, limits):
            (disk / "mine.txt").write_text("mine")
            before = Snapshot(disk)
            result = bench.run(bench.arguments(bench.photo, output=disk / "out"), limits=limits)
            whole = is_whole(disk / "out")
            parts = [] if whole else [f"a part of a result: {path.name}" for path in (disk / "out").glob("*.ply")]
            cases.append(Case(f"output on a disk of {size >> 10} KiB", result.outcome(done=whole), [*before.lost(), *parts], result.detail))
    with _small_disk(bench, 2**16) as (disk, limits):
        output = bench.folder("full-temporary")
        result = bench.run(bench.arguments(bench.photo, output=output), limits=limits, variables={"TMPDIR": str(disk)})
        cases.append(Case("temporary files on a disk of 64 KiB", result.outcome(done=is_whole(output)), (), result.detail))
    return cases


@contextlib.contextmanager
def _small_disk(bench: Bench, size: int) -> Iterator[tuple[Path, dict[int, int]]]:
    """A folder that holds so many bytes: a disk in memory where one may be mounted, else a limit for the size of files."""
    folder = bench.folder("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False)
    try:
        yield folder, {} if mounted.returncode == 0 else {resource.RLIMIT_FSIZE: size}
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", str(folder)], capture_output=True, check=False)


def read_only_folders(bench: Bench) -> list[Case]:
    """Places where nobody, not even an administrator, can write, and things that are no folders."""
    folder = bench.folder("readonly")
    (folder / "file").write_text("mine")
    before = Snapshot(folder)
    attempts = {
        "output where nothing can be written": {"output": Path("/proc/likeness")},
        "output is a file": {"output": folder / "file"},
        "output inside a file": {"output": folder / "file" / "out"},
        "report where nothing can be written": {"output": folder / "out", "more": ["--report", "/proc/likeness/report.json"]},
        "report is a folder": {"output": folder / "out2", "more": ["--report", str(folder)]},
    }
    cases = []
    for name, options in list(attempts.items())[: 3 if bench.quick else None]:
        result = bench.run(bench.arguments(bench.photo, **options))
        half = [str(path) for path in folder.glob("out*/*.ply")]
        cases.append(Case(name, result.outcome(done=False), [*before.lost(), *half], result.detail))
    if not bench.quick:
        output = bench.folder("readonly-temporary")
        result = bench.run(bench.arguments(bench.photo, output=output), variables={"TMPDIR": "/proc/likeness"})
        cases.append(Case("temporary folder is not there", result.outcome(done=is_whole(output)), (), result.detail))
    return cases


def two_at_once(bench: Bench) -> list[Case]:
    """Two runs into one folder: whoever is refused says so, and the result is one whole set."""
    cases = []
    for name in ("the same photo",) if bench.quick else ("the same photo", "two photos of one name"):
        folder = bench.folder("two")
        other = folder / "other" / bench.photo.name
        other.parent.mkdir()
        shutil.copy(bench.photo, other)
        before = Snapshot(folder)
        second = bench.photo if name == "the same photo" else other
        children = [bench.start(bench.arguments(photo, output=folder / "out")) for photo in (bench.photo, second)]
        for number, child in enumerate(children):
            result = bench.end_of(child)
            lost = [*before.lost(), *(["the result"] if number == 1 and not is_whole(folder / "out") else [])]
            cases.append(Case(f"{name}, run {number + 1}", result.outcome(done=True), lost, result.detail))
    return cases
