"""Takes the place of core/pipeline.py in a copy of the package: that of tests/worker (core/stub.py there) with a fuller report."""

import dataclasses
import os

from .stub import Reconstructor as Stub


class Reconstructor(Stub):
    def run(self, photo, settings, progress=None, cancel=None):
        os.write(2, b"a library in C++ speaks\n")
        result = super().run(photo, settings, progress, cancel)
        report = {**result.report, "settings": settings.to_dict(), "warnings": []}
        return dataclasses.replace(result, report=report | ({"flame": {"model": "FLAME"}} if settings.flame else {}))
