"""The examples of docs/python.md, run one after the other as a reader would."""

import re
import shutil
from pathlib import Path

import skimage

import likeness.core

GUIDE = Path(likeness.core.__file__).parents[1] / "docs" / "python.md"


def test_the_examples_of_the_guide_run(tmp_path, monkeypatch, capsys):
    shutil.copy(Path(skimage.__file__).parent / "data" / "astronaut.png", tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    known: dict[str, object] = {}
    examples = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    for example in examples:
        exec(compile(example, str(GUIDE), "exec"), known)
    said = capsys.readouterr().out
    assert len(examples) == 6 and "stopped at the user's wish" in said and "missing.png" in said
    assert {path.name for path in tmp_path.iterdir()} >= {"photo.glb", "photo.npz", "preview.png"}
