"""`python -m likeness.benchmarks.hostile [--quick] [--only SCENARIO]`: every scenario, a table of figures, and what failed. Linux only.

Exit code 1 when anything hung, crashed, failed without its one sentence, or cost the user a file. With --docs the table is written into
docs/reliability.md.
"""

import argparse
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from ...core.version import VERSION
from ...worker.client import PACKAGE_ROOT
from .bench import Bench, Case, Outcome
from .files import damaged_files, photos_that_cannot_be_used
from .folders import clashing_names, consoles, full_disks, hostile_names, read_only_folders, two_at_once
from .stops import kills, too_little_memory
from .workers import many_jobs, tampered_weights

SCENARIOS: dict[str, Callable[[Bench], list[Case]]] = {
    "damaged pictures, videos and takes": damaged_files,
    "photos that cannot be used": photos_that_cannot_be_used,
    "hostile names": hostile_names,
    "clashing names": clashing_names,
    "consoles": consoles,
    "full disks": full_disks,
    "read-only folders": read_only_folders,
    "two runs at once": two_at_once,
    "kills at each stage": kills,
    "too little memory": too_little_memory,
    "many jobs in one worker": many_jobs,
    "tampered weights": tampered_weights,
}
DOCS = PACKAGE_ROOT / "docs" / "reliability.md"
_BEGIN, _END = "<!-- figures of the last run -->\n", "<!-- end of the figures -->\n"
_HEAD = f"| | cases | done | refused with one sentence | failed without one | hung | crashed | files lost |\n{'|---' * 8}|\n"


def main() -> int:
    """Run what was asked for; 1 when anything failed."""
    parser = argparse.ArgumentParser(prog="python -m likeness.benchmarks.hostile", description="Likeness treated badly.")
    parser.add_argument("--quick", action="store_true", help="few cases of each, some 3 minutes instead of 20")
    parser.add_argument("--only", metavar="SCENARIO", action="append", default=[], choices=SCENARIOS, help="repeatable")
    parser.add_argument("--docs", action="store_true", help=f"write the table into {DOCS.name}")
    parser.add_argument("--keep", action="store_true", help="leave the scratch folder for a look")
    options = parser.parse_args()
    if sys.platform != "linux":
        parser.error("the campaign needs Linux: its disks, limits, signals and lists of processes")
    # A shell starts background jobs deaf to SIGINT, and children inherit that; with a handler of ours they begin as usual.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begun, results = time.monotonic(), {}
    scratch = Path(tempfile.mkdtemp(prefix="hostile-"))
    try:
        for name in options.only or SCENARIOS:
            bench = Bench(scratch / name.replace(" ", "-").replace(",", ""), options.quick)
            sys.stderr.write(f"{name} …\n")
            results[name] = SCENARIOS[name](bench)
            bench.kill_survivors()
    finally:
        if not options.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    text = _report(results, options.quick, time.monotonic() - begun)
    print(text)
    if options.docs:
        before, _, rest = DOCS.read_text(encoding="utf-8").partition(_BEGIN)
        DOCS.write_text(before + _BEGIN + text + _END + rest.partition(_END)[2], encoding="utf-8")
    return int(not all(case.good for cases in results.values() for case in cases))


def _report(results: dict[str, list[Case]], quick: bool, seconds: float) -> str:
    lines = [_row(name, cases) for name, cases in results.items()]
    if len(results) > 1:
        lines.append(_row("**all**", [case for cases in results.values() for case in cases]))
    failed = [f"- {name}, {_plain(case)}" for name, cases in results.items() for case in cases if not case.good]
    where = f"Likeness {VERSION}, {platform.system()}, {os.cpu_count()} cores, {seconds / 60:.0f} minutes{', --quick' if quick else ''}."
    return f"{where}\n\n{_HEAD}{''.join(lines)}\n{'Failed:' if failed else 'Nothing failed.'}\n" + "".join(f"{line}\n" for line in failed)


def _row(name: str, cases: list[Case]) -> str:
    count = Counter(case.outcome for case in cases)
    figures = [len(cases), *(count[kind] for kind in get_args(Outcome)), sum(len(case.lost) for case in cases)]
    return f"| {name} | {' | '.join(map(str, figures))} |\n"


def _plain(case: Case) -> str:
    """On one line, without the names of this machine's folders."""
    lost = f"; lost: {', '.join(case.lost)}" if case.lost else ""
    return f"{case.name}: {case.outcome}{lost}; {case.detail}".replace(tempfile.gettempdir(), "TMP").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
