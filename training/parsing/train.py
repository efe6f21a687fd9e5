"""Train the parsing network: `python -m likeness.training.parsing.train --data FOLDER --assets FOLDER --backbone FILE --output FOLDER`.

--data holds `drawn` and `real` as drawn.py and real.py write them. It goes on from its last checkpoint when started again; the budget is
in minutes of this process's own work, so that runs on a busy machine can be compared.
"""

import argparse
import copy
import json
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from ...core.networks.layers import channels_last
from ...core.networks.parsing import ParsingNetwork
from ...core.photo.parsing import CLASSES
from ..data.dataset import Batch
from ..loop import GracefulStop, Prefetcher, update_average
from .backbone import published
from .figures import Figures
from .losses import parsing_loss
from .photographs import Photographs

log = logging.getLogger(__name__)
_RATE, _WARM_UP, _AVERAGE = 2e-3, 50, 0.996
_LOG_STEPS, _SAVE_SECONDS = 25, 240
_SEED = 5


Source = Photographs | Figures


def batches(photographs: Source, size: int, count: int, first: int) -> Iterator[Batch]:
    """Batches from the number `first` on. Making a picture costs as much as learning from it, so each is used again as its mirror image."""
    step = first
    while True:
        samples = [photographs(_SEED, step * count + row, size) for row in range(count)]
        batch = batch_of(samples)
        yield batch
        yield {name: values.flip(-1).contiguous() for name, values in batch.items()}
        step += 2


def batch_of(samples: list[tuple[np.ndarray, ...]]) -> Batch:
    """Samples of a source as tensors."""
    picture, covered, weight, label = (np.stack(column) for column in zip(*samples, strict=True))
    return {
        "picture": torch.from_numpy(picture).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last),
        "covered": torch.from_numpy(covered),
        "weight": torch.from_numpy(weight),
        "label": torch.from_numpy(label.astype(np.int64)),
    }


class Trainer:
    """A network, its optimiser and its running average."""

    def __init__(self, network: nn.Module, output: Path, minutes: float) -> None:
        self.network = channels_last(network)
        self.average = copy.deepcopy(self.network).eval()
        self._learned = [value for value in self.network.parameters() if value.requires_grad]
        self.optimiser = torch.optim.AdamW(self._learned, _RATE, betas=(0.9, 0.98), weight_decay=0.01)
        self.step, self.seconds, self._budget, self._output = 0, 0.0, 60 * minutes, output
        output.mkdir(parents=True, exist_ok=True)
        self._state = output / "parsing-state.safetensors"
        if self._state.exists():
            self._resume()

    @property
    def share(self) -> float:
        """Share of the budget that is used, 0 to 1."""
        return min(1.0, self.seconds / self._budget)

    def train_step(self, batch: Batch) -> dict[str, float]:
        """One step of AdamW with clipping, then the running average."""
        rate = _RATE * min(1, (self.step + 1) / _WARM_UP) * (0.49 * (1 + math.cos(math.pi * self.share)) + 0.02)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(batch["picture"])
        loss, parts = parsing_loss(logits, batch, self.step % 4)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._learned, 1.0)
        self.optimiser.step()
        self.step += 1
        update_average(self.average, self.network, self.step, _AVERAGE)
        return parts

    def save(self) -> None:
        """The running average in fp16, for use, and the full state."""
        half = {name: value.half() if value.dtype.is_floating_point else value for name, value in self.average.state_dict().items()}
        _replace(self._output / "parsing.safetensors", half, {})
        state = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        state |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, values in self.optimiser.state_dict()["state"].items():
            state |= {f"optimiser.{index}.{name}": value for name, value in values.items()}
        _replace(self._state, state, {"step": str(self.step), "seconds": str(self.seconds)})

    def _resume(self) -> None:
        with safe_open(self._state, "pt") as file:
            text = file.metadata()
        tensors = load_file(self._state)
        pick = lambda prefix: {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}  # noqa: E731
        self.network.load_state_dict(pick("network."))
        self.average.load_state_dict(pick("average."))
        whole = self.optimiser.state_dict()
        for name, value in pick("optimiser.").items():
            index, _, key = name.partition(".")
            whole["state"].setdefault(int(index), {})[key] = value
        self.optimiser.load_state_dict(whole)
        self.step, self.seconds = int(text["step"]), float(text["seconds"])
        log.info("continuing at step %d after %.1f minutes", self.step, self.seconds / 60)


def begin_with(network: ParsingNetwork, weights: dict[str, torch.Tensor]) -> None:
    """Take over the decoder of a network without a guide or with fewer classes; the guide says nothing at first, and shoes are clothes."""
    state = network.state_dict()
    for name, values in weights.items():
        mine = state[name]
        if name.startswith("enter.") and mine.shape != values.shape:
            # The photo comes last; as pixel_unshuffle orders it, the guide's channels are the last of it.
            mine.zero_()
        elif name.startswith("output.") and mine.shape != values.shape:
            clothes = values[4 * CLASSES.index("clothes") : 4 * CLASSES.index("clothes") + 4]
            values = torch.cat([values, clothes - (2.0 if name.endswith("bias") else 0.0)])
        mine[(slice(None), slice(0, values.shape[1])) if values.dim() > 1 else ...] = values.to(mine.dtype)


def train(trainer: Trainer, photographs: Source, size: int, count: int, output: Path) -> None:
    """To the end of the budget or to SIGTERM."""
    began, spent, saved = time.process_time(), trainer.seconds, time.monotonic()
    recent: list[dict[str, float]] = []
    with GracefulStop() as stop, Prefetcher(batches(photographs, size, count, trainer.step)) as source:
        while trainer.share < 1 and not stop.asked:
            recent.append(trainer.train_step(source.next()))
            trainer.seconds = spent + time.process_time() - began
            if trainer.step % _LOG_STEPS == 0:
                mean = {name: round(sum(parts[name] for parts in recent) / len(recent), 4) for name in recent[0]}
                row = {"step": trainer.step, "minutes": round(trainer.seconds / 60, 2), "size": size, **mean}
                with (output / "parsing.jsonl").open("a") as file:
                    file.write(json.dumps(row) + "\n")
                recent = []
            if time.monotonic() - saved > _SAVE_SECONDS:
                trainer.save()
                saved = time.monotonic()
        trainer.save()


def _replace(path: Path, tensors: dict[str, torch.Tensor], text: dict[str, str]) -> None:
    temporary = path.with_suffix(".new")
    save_file({name: value.detach().clone().contiguous().cpu() for name, value in tensors.items()}, temporary, metadata=text)
    temporary.replace(path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--figures", type=Path, help="shards of bodies: train the network for whole figures")
    parser.add_argument("--start", type=Path, help="weights of a network for heads to begin with")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=60)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(_SEED)
    network = ParsingNetwork(guided=arguments.figures is not None)
    network.backbone.load_state_dict(published(arguments.backbone).state_dict())
    if arguments.start:
        begin_with(network, load_file(arguments.start))
    photographs: Source = Photographs.load(arguments.data / "drawn", arguments.data / "real", arguments.assets)
    if arguments.figures:
        photographs = Figures.load(arguments.figures, photographs, arguments.assets)
    train(Trainer(network, arguments.output, arguments.minutes), photographs, arguments.size, arguments.batch, arguments.output)


if __name__ == "__main__":
    main()
