"""Train `weights/body_guess.npz`: python -m likeness.training.body_model.guess --views FOLDER [--output FILE] [--steps 6000].

Needs the body model (build.py) and the views of known figures (views.py). Figures whose number ends in HELD are not learned from: their
errors say how far the guesses are to be trusted.
"""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ...core.models import body_guess
from ...core.models.body import BodyModel
from ...core.models.body_guess import GUESS_FILE, HIPS, MAJOR_JOINTS, SCHEMA, Layout, orthonormal, straight_ahead, turn_between
from ...core.models.rotation import rotation_matrix
from ..humans.bodies import Bodies
from .records import Records
from .skeleton import GROUPS, Selection, mirrored_names
from .views import STEP

log = logging.getLogger(__name__)
HELD = 9
_SHAPES, _HIDDEN, _MEMBERS = 8, 192, 3
_BATCH, _NOISE, _DROPOUT, _DECAY = 256, 0.08, 0.3, 0.05
_UNITS = (0.25, 0.25, 0.2, 0.7, 0.06, 0.05)  # what an error of 1 is in each part of the output
_LOGS = (np.log(0.01), np.log(3.0))


@dataclass(frozen=True)
class Lesson:
    """Inputs (N, FEATURES), what the network ought to answer (N, 6 + 3 + 3 G + S + 14 + 28), and the view (N,) of each."""

    inputs: np.ndarray
    answers: np.ndarray
    view: np.ndarray


def truths(records: Records, body: BodyModel, rig: Bodies, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The right answers (N, 6 + 3 + 3 G + S + 14), a row a view, and where the joints are seen (N, 14, 2), pixels."""
    selection = Selection.of(rig.bone_names, rig.bone_parents)
    majors = selection.bones[[selection.names.index(name) for name in MAJOR_JOINTS]]
    off_head = np.flatnonzero(body.regions["head"] < 0.1)[::5]
    basis = body.identity[:, off_head].reshape(len(body.identity), -1).T.astype(np.float64)
    solver = np.linalg.solve(basis.T @ basis + 1e-4 * np.eye(basis.shape[1]), basis.T)
    rows, seen, known = [], [], {}
    for view in range(len(records)):
        pose_key = (int(records["figure"][view]), int(records["pose_number"][view]))
        if pose_key not in known:
            rest = records["rest"][view][off_head] * STEP
            shape = solver @ (rest - body.mean[off_head]).ravel()
            known[pose_key] = selection.groups(records["pose"][view]).ravel(), shape[:count]
        groups, shape = known[pose_key]
        turn = records["turn"][view].astype(np.float64)
        ahead = straight_ahead(records["place"][view].astype(np.float64))
        root = ahead @ turn @ rotation_matrix(records["pose"][view][0])
        depth = (records["joints"][view][majors] @ (ahead @ turn).T)[:, 2]
        rows.append(np.concatenate([root[:, 0], root[:, 1], (ahead @ turn)[:, 1], groups, shape, depth - depth[list(HIPS)].mean()]))
        joints = records["joints"][view][majors] @ turn.T + records["place"][view]
        seen.append(records["principal"][view] + records["focal"][view] * joints[:, :2] * [1, -1] / -joints[:, 2:])
    return np.array(rows), np.array(seen)


def lesson(records: Records, answers: np.ndarray, seen: np.ndarray, mirrored: bool) -> Lesson:
    """Every reading of every view and, where wanted, its mirror image."""
    inputs, wanted, view = [], [], []
    flipped, swap = _mirrored(answers), mirrored_names(MAJOR_JOINTS)
    for row in range(len(records)):
        for reading in records.readings(row):
            images = [(reading, answers[row], seen[row])]
            if mirrored:
                images.append((reading.mirrored(0.0), flipped[row], seen[row][swap] * [-1, 1]))
            for image, answer, joints in images:
                inputs.append(body_guess.features(image))
                wanted.append(np.concatenate([answer, ((joints - body_guess.marks(image)) * [1, -1] / body_guess.size_of(image)).ravel()]))
                view.append(row)
    return Lesson(np.array(inputs), np.array(wanted), np.array(view))


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


def loss(output: torch.Tensor, answers: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Absolute errors of rotation and up, and Laplace likelihoods of the rest, each in its own unit."""
    columns, up, *guesses = layout.parts(output)
    guesses, logs = guesses[:4], guesses[4:]
    right = torch.tensor_split(answers, np.cumsum(layout.sizes[:6])[:-1].tolist(), dim=1)
    total = (columns - right[0]).abs().mean() / _UNITS[0] * 3 + (up - right[1]).abs().mean() / _UNITS[1]
    for guess, answer, spread, unit, weight in zip(guesses, right[2:], logs, _UNITS[2:], (1.0, 0.3, 2.0, 2.0), strict=True):
        error, width = (guess - answer).abs() / unit, spread.clamp(*_LOGS) - float(np.log(unit))
        each = error.detach().unflatten(1, (spread.shape[1], -1)).mean(2)  # a point's two coordinates share a deviation
        total = total + weight * (error.mean() + (each / width.exp() + width).mean())
    return total


def train(lesson: Lesson, layout: Layout, start: np.ndarray, steps: int, seed: int) -> Member:
    """One member, after so many steps."""
    torch.manual_seed(seed)
    inputs, answers = (torch.from_numpy(values.astype(np.float32)) for values in (lesson.inputs, lesson.answers))
    member = Member(inputs.shape[1], sum(layout.sizes))
    with torch.no_grad():
        member.last.weight *= 0.1
        member.last.bias[:] = torch.from_numpy(start.astype(np.float32))
    optimiser = torch.optim.AdamW(member.parameters(), 1e-3, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps)
    for step in range(steps):
        rows = torch.randint(len(inputs), (_BATCH,))
        noisy = inputs[rows] + _NOISE * torch.randn(_BATCH, inputs.shape[1])
        value = loss(member(noisy), answers[rows], layout)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
        if step % 1000 == 0:
            log.info("step %d, loss %.3f", step, value.item())
    return member.eval()


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description="Train weights/body_guess.npz.")
    parser.add_argument("--views", type=Path, required=True, help="folder of likeness.training.body_model.views")
    parser.add_argument("--output", type=Path, default=GUESS_FILE)
    parser.add_argument("--steps", type=int, default=6000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    body, rig = BodyModel.load(), Bodies()
    records = Records.load(options.views, "training", without=("naked", "matte"))
    answers, seen = truths(records, body, rig, _SHAPES)
    layout = Layout(len(GROUPS), _SHAPES)
    held = records["figure"] % 10 == HELD
    everything, reserved = (lesson(records, answers, seen, mirrored) for mirrored in (True, False))
    learned = ~held[everything.view]
    mean, spread = everything.inputs[learned].mean(0), everything.inputs[learned].std(0) + 0.02
    normal = lambda values: (values - mean) / spread  # noqa: E731
    taught = Lesson(normal(everything.inputs[learned]), everything.answers[learned], everything.view[learned])
    spreads = np.log(taught.answers.std(0) + 1e-3)
    usual = np.concatenate([taught.answers.mean(0), spreads[9 : -2 * len(MAJOR_JOINTS)], spreads[-2 * len(MAJOR_JOINTS) :: 2]])
    members = [train(taught, layout, usual, options.steps, seed) for seed in range(_MEMBERS)]
    test = held[reserved.view]
    with torch.no_grad():
        inputs = torch.from_numpy(normal(reserved.inputs[test]).astype(np.float32))
        output = torch.stack([member(inputs) for member in members]).mean(0).numpy().astype(np.float64)
    found = _errors(output, reserved.answers[test], reserved.view[test], layout)
    stack = lambda name, kind: np.stack([getattr(getattr(member, name), kind).detach().numpy() for member in members])  # noqa: E731
    weights = {name: stack(name, "weight").astype(np.float16) for name in ("first", "second", "last")}
    biases = {f"{name}_bias": stack(name, "bias") for name in ("first", "second", "last")}
    values = {"mean": mean.astype(np.float32), "spread": spread.astype(np.float32), **weights, **biases}
    names = {"group_names": np.array(list(GROUPS)), "shape_mean": np.zeros(_SHAPES, np.float32)}
    SCHEMA.save(options.output, {**values, **names, **found}, compressed=True)
    log.info("%s: %.2f MB", options.output, options.output.stat().st_size / 1e6)


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
