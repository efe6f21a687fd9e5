"""docs/troubleshooting.md quotes sentences as the user reads them."""

import re
from pathlib import Path

import likeness.core

ROOT = Path(likeness.core.__file__).parents[1]


def test_every_quoted_message_is_one_of_the_product_s():
    rings = ("core", "worker", "cli", "scene", "operators", "panels")
    source = " ".join(path.read_text(encoding="utf-8") for ring in rings for path in (ROOT / ring).rglob("*.py"))
    # Sentences that are split over lines, and their places, read as one piece.
    source = re.sub(r"\{[^{}]*\}", "…", re.sub(r'"\s+f?"', "", source))
    rows = re.findall(r"^\| (\*.*?) \|", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)
    quoted = [message for row in rows for message in re.findall(r"\*([^*]+)\*", row)]
    assert len(quoted) > 12
    assert [message for message in quoted if message.strip("… ") not in source] == []
