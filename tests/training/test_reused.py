"""Photographs that serve several steps."""

from collections.abc import Iterator
from itertools import islice

import torch

from likeness.training.data.dataset import Batch
from likeness.training.data.reused import BLOCK, reused


def whole(first: int) -> Iterator[Batch]:
    """Batches that carry their number."""
    number = first
    while True:
        at = torch.arange(40.0).view(1, 40, 1)
        yield {"photo": torch.full((1,), float(number)), "points": at, "distance": at[..., 0], "surface": at[:, :20]}
        number += 1


def prepared(batch: Batch) -> None:
    batch["seen_normals"] = batch["photo"] + 0.5


def given(done: int, count: int) -> list[Batch]:
    return list(islice(reused(whole, prepared, 10, 3, 1, done), count))


def test_each_photograph_serves_so_many_steps_with_other_points() -> None:
    block = given(0, 3 * BLOCK)
    assert sorted(int(batch["photo"]) for batch in block) == sorted(3 * list(range(BLOCK)))
    assert all((batch["seen_normals"] == batch["photo"] + 0.5).all() for batch in block)
    same = [batch for batch in block if batch["photo"] == 5]
    assert all(torch.equal(batch["points"][..., 0], batch["distance"]) and batch["points"].shape[1] == 10 for batch in same)
    assert all(len(batch["surface"].unique()) == 5 for batch in same)
    assert not torch.equal(same[0]["points"], same[1]["points"])
    assert int(given(3 * BLOCK, 1)[0]["photo"]) >= BLOCK


def test_a_continued_run_sees_what_the_stopped_one_would_have_seen() -> None:
    through, later = given(0, 3 * BLOCK + 4)[50:], given(50, 3 * BLOCK - 46)
    assert len(through) == len(later)
    assert all(torch.equal(a[name], b[name]) for a, b in zip(through, later, strict=True) for name in a)
