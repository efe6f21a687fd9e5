"""Runs that are stopped: by signals at each of their stages, and by too little memory."""

import os
import pty
import re
import resource
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .bench import LIMIT, Bench, Case, CommandResult, Snapshot, is_whole

_STAGE = re.compile(r"([A-Za-z][^\r\n\x1b%]*?) +\d+%")
_PATIENCE = 15.0  # seconds in which a stopped run and all its processes must be gone


def kills(bench: Bench) -> list[Case]:
    """At each stage, by each signal: what was there before is there, whole; nothing half made; no process stays; the next run clears up."""
    output = bench.folder("kills") / "out"
    stages: list[str] = []
    first = _watched(bench, output, stages.append)
    if not is_whole(output) or not stages:
        return [Case("the run before the kills", first.outcome(done=False), ["the result"], first.detail)]
    stages = list(dict.fromkeys(stages))
    numbers = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    plan = [(stage, number) for stage in stages for number in numbers]
    if bench.quick:
        plan = [(stages[index % len(stages)], number) for index, number in zip((1, len(stages) // 2, -1), numbers, strict=True)]
    before, cases = Snapshot(output), []
    for stage, number in plan:
        cases.append(_killed(bench, output, stage, number, before))
        if is_whole(output):
            before = Snapshot(output)  # a run that came to its end first has replaced the result
    begins = bench.run(["--version"]).seconds  # Python itself, which no program can keep from showing a traceback, has begun by then
    for times in (1.0, 2.0) if bench.quick else (1.0, 1.2, 1.5, 2.0, 3.0):
        cases.append(_interrupted_early(bench, output, times * begins, before))
    last = bench.run(bench.arguments(bench.photo, output=output))
    left = bench.leftovers(output)
    cases.append(Case("the next run, which clears up", last.outcome(done=is_whole(output)), left, f"{last.detail}; left: {left}"))
    return cases


def too_little_memory(bench: Bench) -> list[Case]:
    """Done, or one sentence; never for ever."""
    sizes = (0.9, 1.6) if bench.quick else (0.4, 0.6, 0.9, 1.2, 1.3, 1.4, 1.6, 2.0, 3.0)
    cases = []
    for size in sizes:
        output = bench.folder("memory")
        result = bench.run(bench.arguments(bench.photo, output=output), limits={resource.RLIMIT_AS: int(size * 2**30)})
        cases.append(Case(f"{size} GiB of addresses", result.outcome(done=is_whole(output)), (), result.detail))
    return cases


def _killed(bench: Bench, output: Path, stage: str, number: signal.Signals, before: Snapshot) -> Case:
    name = f"{number.name} at {stage!r}"
    result = _watched(bench, output, lambda seen: number if seen == stage else None)
    deadline = time.monotonic() + _PATIENCE
    while (left := bench.survivors()) and time.monotonic() < deadline:
        time.sleep(0.1)
    bench.kill_survivors()
    lost = before.lost()
    if is_whole(output) and len(lost) == len(before.files):
        lost = []  # all of it is new
    lost += [f"process {process} stays" for process in left]
    if result.code == 0:
        return Case(name, "fine", lost, "was done before the signal came")
    if result.code is None:
        return Case(name, "hung", lost, result.detail)
    if number == signal.SIGKILL:
        return Case(name, "fine" if result.code == -number else result.outcome(done=False), lost, result.detail)
    if number == signal.SIGTERM and result.code == -number and not result.err:
        return Case(name, "fine", lost, "ended at once, without a word")
    return Case(name, result.outcome(done=False), lost, result.detail)


def _interrupted_early(bench: Bench, output: Path, delay: float, before: Snapshot) -> Case:
    """Ctrl-C before there is anything to see."""
    child = bench.start(bench.arguments(bench.photo, output=output))
    time.sleep(delay)
    child.send_signal(signal.SIGINT)
    result = bench.end_of(child)
    outcome = result.outcome(done=False)
    if result.code == -signal.SIGINT:
        outcome = "speechless" if result.err else "fine"
    return Case(f"SIGINT after {delay:.2f} s", outcome, before.lost(), result.detail)


def _watched(bench: Bench, output: Path, at_stage: Callable[[str], signal.Signals | None]) -> CommandResult:
    """Run on a terminal, where progress is shown. at_stage: told of each stage once, may answer with a signal to send."""
    ours, theirs = pty.openpty()
    begun, text, seen = time.monotonic(), "", ""
    child = bench.start(bench.arguments(bench.photo, output=output), stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    hung = False
    while True:
        if time.monotonic() - begun > LIMIT:
            hung = True
            bench.kill_survivors()
            break
        if not select.select([ours], [], [], 0.05)[0]:
            if child.poll() is not None:
                break
            continue
        try:
            data = os.read(ours, 1 << 14)
        except OSError:  # Linux's way to say that the terminal's other end is closed
            break
        if not data:
            break
        text += data.decode(errors="replace")
        for stage in _STAGE.findall(text)[-1:]:
            if stage != seen and (number := at_stage(seen := stage)) is not None:
                child.send_signal(number)
    child.wait()
    os.close(ours)
    words = "\n".join(line for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[K", "", text)) if line and not _STAGE.fullmatch(line))
    return CommandResult(None if hung else child.returncode, "", words, time.monotonic() - begun)
