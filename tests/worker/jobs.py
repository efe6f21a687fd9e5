"""What tests of the client do with it: run a job, wait, see whether it works."""

import time
from pathlib import Path

from likeness.core.result import Result
from likeness.core.settings import Settings
from likeness.worker import protocol


def run(client, photo, **options):
    client.reconstruct([Path(photo)], Settings(**options))
    return Result.load(client.wait())


def until(condition, limit=5.0):
    deadline = time.monotonic() + limit
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met


def working(client):
    return any(isinstance(event, protocol.Progress) and event.fraction > 0 for event in client.poll())
