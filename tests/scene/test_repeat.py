"""Redo and repeat: how an operator runs is decided in one place. tests/gui/repeat.py does it in a window, where alone Blender repeats."""

from types import SimpleNamespace

import bpy
import pytest


@pytest.mark.parametrize(
    ("flags", "background", "expected"),
    [
        ("", False, "block"),  # a script
        ("is_invoke", False, "modal"),  # a button; or the end of a file browser or dialog
        ("is_invoke", True, "block"),
        ("is_repeat", False, "again"),  # Adjust Last Operation of what a script has run
        ("is_invoke is_repeat", False, "again"),
        ("is_invoke is_repeat_last", False, "again"),
        ("is_invoke is_repeat", True, "block"),
    ],
)
def test_only_the_first_run_of_an_operator_goes_modal(part, flags, background, expected):
    options = SimpleNamespace(**{flag: flag in flags.split() for flag in ("is_invoke", "is_repeat", "is_repeat_last")})
    assert part("operators.job").manner(options, background) == expected


def test_blender_tells_operators_how_they_run(extension):
    assert {"is_invoke", "is_repeat", "is_repeat_last"} <= {p.identifier for p in bpy.types.OperatorOptions.bl_rna.properties}


def test_no_operator_runs_in_a_way_of_its_own(part):
    """What Blender calls is in two modules; everything else says only what the operator is about."""
    base, job = part("operators.base").LikenessOperator, part("operators.job").JobOperator
    operators = [cls for cls in part("operators").CLASSES if issubclass(cls, bpy.types.Operator)]
    assert len(operators) > 10
    for cls in operators:
        assert cls.execute is (job if issubclass(cls, job) else base).execute, cls
        assert cls.invoke is base.invoke and cls.poll.__func__ is base.poll.__func__, cls
        assert getattr(cls, "modal", None) is (job.modal if issubclass(cls, job) else None), cls


def test_what_is_repeated_begins_as_another_operator(part, monkeypatch):
    """The operator that Blender keeps ends at once; the last of several repetitions counts."""
    job, registered = part("operators.job"), []
    timers = SimpleNamespace(
        is_registered=registered.__contains__, unregister=registered.remove, register=lambda f, **_: registered.append(f)
    )
    monkeypatch.setattr(job, "bpy", SimpleNamespace(app=SimpleNamespace(timers=timers, background=False), types=bpy.types))

    class Kept(job.JobOperator):
        bl_idname = "likeness.animate_video"
        options = SimpleNamespace(is_invoke=True, is_repeat=True, is_repeat_last=False)
        smoothing = 0.1

        def as_keywords(self):
            return {"smoothing": self.smoothing}

    kept, context = Kept(), SimpleNamespace(window=SimpleNamespace(as_pointer=lambda: 7))
    assert kept.execute(context) == {"CANCELLED"} and job.current() is None
    kept.smoothing = 0.5
    assert kept.execute(context) == {"CANCELLED"} and len(registered) == 1
    assert job._again == ("likeness.animate_video", {"smoothing": 0.5}, 7)
