"""Train `weights/body_guess.npz`: python -m likeness.training.body_model.guess --assets FOLDER --views FOLDER [--output FILE].

Needs the body model (build.py) and the views of known figures (views.py); to these come views without pictures (simulate.py). Figures
whose number ends in HELD are not learned from: their
errors say how far the guesses are to be trusted.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ...core.models.body import BodyModel
from ...core.models.body_guess import (
    GUESS_FILE,
    MAJOR_JOINTS,
    SCHEMA,
    Layout,
    features,
    marks,
    orthonormal,
    size_of,
    turn_between,
)
from ...core.photo.people import BodyLandmarks
from ..humans.bodies import Bodies
from .records import Records
from .simulate import SimulatedDetector, in_metres
from .skeleton import GROUPS, mirrored_names
from .truth import SHAPES, Teacher, Truths

log = logging.getLogger(__name__)
HELD = 9
_HIDDEN, _MEMBERS = 192, 3
_BATCH, _NOISE, _DROPOUT, _DECAY = 256, 0.08, 0.1, 0.05
_IMAGINED = 0.6  # share of a batch
_UNITS = (0.25, 0.25, 0.2, 0.7, 0.06, 0.05)  # what an error of 1 is in each part of the output
_LOGS = (np.log(0.01), np.log(3.0))


@dataclass(frozen=True)
class Lesson:
    """Inputs (N, FEATURES), what the network ought to answer (N, 6 + 3 + 3 G + S + 14 + 28), and the view (N,) of each."""

    inputs: np.ndarray
    answers: np.ndarray
    view: np.ndarray

    @classmethod
    def of(cls, readings: Sequence[BodyLandmarks], truths: Truths, view: np.ndarray, mirrored: bool) -> Self:
        """Of readings, in metres, of views (N,) and, where wanted, of their mirror images."""
        inputs, wanted, views = [], [], []
        flipped, swap = _mirrored(truths.answers), mirrored_names(MAJOR_JOINTS)
        for reading, row in zip(readings, view.tolist(), strict=True):
            images = [(reading, truths.answers[row], truths.joints[row])]
            if mirrored:
                images.append((reading.mirrored(0.0), flipped[row], truths.joints[row][swap] * [-1, 1]))
            for image, answer, joints in images:
                inputs.append(features(image).astype(np.float32))
                beside = (joints - marks(image) * [1, -1]) / size_of(image)
                wanted.append(np.concatenate([answer, beside.ravel()]).astype(np.float32))
                views.append(row)
        return cls(np.array(inputs), np.array(wanted), np.array(views))

    def chosen(self, rows: np.ndarray) -> Self:
        """Some of the rows (N,)."""
        return type(self)(self.inputs[rows], self.answers[rows], self.view[rows])


def _mirrored(answers: np.ndarray) -> np.ndarray:
    """The answers for mirror images: across x, left and right exchanged."""
    swap = mirrored_names(list(GROUPS))
    size = 3 * len(GROUPS)
    shapes = answers.shape[1] - 9 - size - len(MAJOR_JOINTS)
    first, second, up = answers[:, :3], answers[:, 3:6], answers[:, 6:9]
    groups, shape = answers[:, 9 : 9 + size].reshape(-1, len(GROUPS), 3), answers[:, 9 + size : 9 + size + shapes]
    depth = answers[:, -len(MAJOR_JOINTS) :]
    # The mirrored rotation is M R M with M = diag(-1, 1, 1): its first column also changes sign.
    flip = np.array([-1, 1, 1])
    groups = (groups[:, swap] * [1, -1, -1]).reshape(len(answers), -1)
    return np.concatenate([-first * flip, second * flip, up * flip, groups, shape, depth[:, mirrored_names(MAJOR_JOINTS)]], axis=1)


class Member(nn.Module):
    """One perceptron."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(inputs, _HIDDEN), nn.Linear(_HIDDEN, _HIDDEN), nn.Linear(_HIDDEN, outputs)
        self.drop = nn.Dropout(_DROPOUT)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        hidden = self.drop(F.gelu(self.first(values), approximate="tanh"))
        return self.last(self.drop(F.gelu(self.second(hidden), approximate="tanh")))


def loss(output: torch.Tensor, answers: torch.Tensor, layout: Layout, drawn: int) -> torch.Tensor:
    """Absolute errors of rotation and up, and Laplace likelihoods of the rest, each in its own unit. Where joints are seen is learned from
    the drawn views alone, the first of the batch: a simulated detector knows nothing of clothes."""
    columns, up, *guesses = layout.parts(output)
    guesses, logs = guesses[:4], guesses[4:]
    right = torch.tensor_split(answers, np.cumsum(layout.sizes[:6])[:-1].tolist(), dim=1)
    total = (columns - right[0]).abs().mean() / _UNITS[0] * 3 + (up - right[1]).abs().mean() / _UNITS[1]
    weights, counts = (1.0, 0.3, 2.0, 2.0), (*[len(output)] * 3, drawn)
    for guess, answer, spread, unit, weight, rows in zip(guesses, right[2:], logs, _UNITS[2:], weights, counts, strict=True):
        error, width = (guess - answer)[:rows].abs() / unit, spread[:rows].clamp(*_LOGS) - float(np.log(unit))
        each = error.detach().unflatten(1, (spread.shape[1], -1)).mean(2)  # a point's two coordinates share a deviation
        total = total + weight * (error.mean() + (each / width.exp() + width).mean())
    return total


def train(drawn: Lesson, imagined: Lesson, layout: Layout, start: np.ndarray, steps: int, seed: int) -> Member:
    """One member, after so many steps of batches that mix drawn and imagined views."""
    torch.manual_seed(seed)
    lessons = [[torch.from_numpy(values) for values in (lesson.inputs, lesson.answers)] for lesson in (drawn, imagined)]
    counts = (_BATCH - round(_IMAGINED * _BATCH), round(_IMAGINED * _BATCH))
    member = Member(drawn.inputs.shape[1], sum(layout.sizes))
    with torch.no_grad():
        member.last.weight *= 0.1
        member.last.bias[:] = torch.from_numpy(start.astype(np.float32))
    optimiser = torch.optim.AdamW(member.parameters(), 1e-3, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps)
    for step in range(steps):
        rows = [torch.randint(len(inputs), (count,)) for (inputs, _), count in zip(lessons, counts, strict=True)]
        inputs, answers = (torch.cat([lesson[part][row] for lesson, row in zip(lessons, rows, strict=True)]) for part in (0, 1))
        value = loss(member(inputs + _NOISE * torch.randn_like(inputs)), answers, layout, counts[0])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
        if step % 2000 == 0:
            log.info("step %d, loss %.3f", step, value.item())
    return member.eval()


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description="Train weights/body_guess.npz.")
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--views", type=Path, required=True, help="folder of likeness.training.body_model.views")
    parser.add_argument("--output", type=Path, default=GUESS_FILE)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--imagined", type=int, default=30000, help="poses without a picture")
    options = parser.parse_args()
    torch.set_num_threads(1)
    teacher = Teacher(BodyModel.load(), Bodies(options.assets))
    records = Records.load(options.views, "training", without=("naked", "matte"))
    truths, readings, view = teacher.of_records(records), [], []
    for row in range(len(records)):
        camera = float(records["focal"][row]), records["principal"][row], -float(records["place"][row][2])
        found = [in_metres(reading, *camera) for reading in records.readings(row)]
        readings += found
        view += [row] * len(found)
    view = np.array(view)
    held = records["figure"][view] % 10 == HELD
    reserved = Lesson.of(readings, truths, view, False).chosen(held)
    drawn = Lesson.of([reading for reading, kept in zip(readings, ~held, strict=True) if kept], truths, view[~held], True)
    imagined = imagine(teacher, options.assets, options.imagined, readings, truths, view, held, records["figure"])
    mean, spread = drawn.inputs.mean(0), drawn.inputs.std(0) + 0.02
    normal = lambda lesson: replace(lesson, inputs=(lesson.inputs - mean) / spread)  # noqa: E731
    layout, spreads = Layout(len(GROUPS), SHAPES), np.log(drawn.answers.std(0) + 1e-3)
    start = np.concatenate([drawn.answers.mean(0), spreads[9 : -2 * len(MAJOR_JOINTS)], spreads[-2 * len(MAJOR_JOINTS) :: 2]])
    members = [train(normal(drawn), normal(imagined), layout, start, options.steps, seed) for seed in range(_MEMBERS)]
    with torch.no_grad():
        inputs = torch.from_numpy(normal(reserved).inputs)
        output = torch.stack([member(inputs) for member in members]).mean(0).numpy().astype(np.float64)
    found = _errors(output, reserved.answers.astype(np.float64), reserved.view, layout)
    stack = lambda name, kind: np.stack([getattr(getattr(member, name), kind).detach().numpy() for member in members])  # noqa: E731
    weights = {name: stack(name, "weight").astype(np.float16) for name in ("first", "second", "last")}
    biases = {f"{name}_bias": stack(name, "bias") for name in ("first", "second", "last")}
    values = {"mean": mean.astype(np.float32), "spread": spread.astype(np.float32), **weights, **biases}
    names = {"group_names": np.array(list(GROUPS)), "shape_mean": np.zeros(SHAPES, np.float32)}
    SCHEMA.save(options.output, {**values, **names, **found}, compressed=True)
    log.info("%s: %.2f MB", options.output, options.output.stat().st_size / 1e6)


def imagine(
    teacher: Teacher, assets: Path, count: int, readings: Sequence[BodyLandmarks], truths: Truths, view: np.ndarray, held: np.ndarray,
    figure: np.ndarray,
) -> Lesson:  # fmt: skip
    """Views of `count` poses without a picture, read by a detector that was learned from the readings which are not held."""
    kept = np.flatnonzero(~held)
    of = view[kept]
    seen = Truths(*(values[of] for values in (truths.answers, truths.marks, truths.flat, truths.joints)))
    detector = SimulatedDetector([readings[row] for row in kept], seen, figure[of] % 2)
    there = teacher.imagined(assets, count)
    log.info("%d imagined views", len(there.answers))
    return Lesson.of(detector.read(there, np.random.default_rng(1)), there, np.arange(len(there.answers)), False)


def _errors(output: np.ndarray, answers: np.ndarray, view: np.ndarray, layout: Layout) -> dict[str, np.ndarray]:
    """How far the guesses of held-out views lie beside, as the file's arrays say it. A view's readings are averaged, as in use."""
    views = np.unique(view)
    output = np.stack([output[view == each].mean(0) for each in views])
    answers = np.stack([answers[view == each][0] for each in views])
    columns, up, *guesses = layout.parts(output)
    guesses, logs = guesses[:4], guesses[4:]
    right = np.split(answers, np.cumsum(layout.sizes[:6])[:-1], axis=1)
    turns = np.array([turn_between(orthonormal(a), orthonormal(b)) for a, b in zip(right[0], columns, strict=True)])
    up = up / np.linalg.norm(up, axis=1, keepdims=True)
    lean = np.degrees(np.arccos(np.clip((up * right[1]).sum(1), -1, 1)))
    errors = [answer - guess for answer, guess in zip(right[2:], guesses, strict=True)]
    log.info("%d held-out views: root %.1f degrees, up %.1f", len(views), np.degrees(np.linalg.norm(turns, axis=1)).mean(), lean.mean())
    sizes = [np.abs(error).mean() * unit for error, unit in zip(errors, (180 / np.pi, 1, 1000, 100), strict=True)]
    log.info("groups %.1f degrees, shape %.2f, depth %.1f mm, points %.2f %% of the size", *sizes)
    logs[3] = np.repeat(logs[3], 2, axis=1)
    standard = [np.clip(error / np.exp(spread), -6, 6) for error, spread in zip(errors, logs, strict=True)]
    stretch = np.array([np.sqrt((part**2).mean()) for part in standard])
    rotation = np.sqrt((np.clip(turns, -0.6, 0.6) ** 2).mean(0))
    joint = np.concatenate([np.clip(turns / rotation, -3, 3), standard[0] / stretch[0], standard[1] / stretch[1]], axis=1)
    return {
        "correlation": _correlation(joint).astype(np.float32),
        "rotation_deviation": rotation.astype(np.float32),
        "stretch": stretch.astype(np.float32),
    }


def _correlation(values: np.ndarray, shrink: float = 0.1) -> np.ndarray:
    """Of the columns of values (N, P), drawn to none by a share, as few views exaggerate it."""
    return np.corrcoef(values.T) * (1 - shrink) + shrink * np.eye(values.shape[1])


if __name__ == "__main__":
    main()
