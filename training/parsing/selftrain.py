"""Let a trained network label what has no label in real portraits: `python -m likeness.training.parsing.selftrain --real … --weights …`.

It looks at the plain pictures; the next training learns its sure answers from spoiled ones (Xie et al. 2020). Written into each file as
`guess`, which training reads in place of `label`.
"""

import argparse
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file

from ...core.networks.parsing import NetworkParser, ParsingNetwork
from ...core.photo.parsing import CLASSES
from .real import UNKNOWN

_SURE = 0.8
_ONLY_IF = {"hat": {"hat", "covered"}, "glasses": {"glasses", "sunglasses"}}
_FROM_LANDMARKS = ("eyes", "lips", "teeth")  # landmarks know these better
_NEVER = ("background", "object")


def guessed(shares: np.ndarray, label: np.ndarray, coverage: np.ndarray, tags: set[str]) -> np.ndarray:
    """(S, S) uint8: label where it tells, else the class of shares (S, S, C) where that is sure, the pixel is person, and the words about
    the person allow it."""
    person = shares.copy()
    barred = [name for name, words in _ONLY_IF.items() if not words & tags] + ["hair"] * ("bald" in tags)
    person[..., [CLASSES.index(name) for name in (*_NEVER, *_FROM_LANDMARKS, *barred)]] = 0
    best = person.argmax(-1)
    share = np.take_along_axis(shares, best[..., None], -1)[..., 0] / np.maximum(1 - shares[..., 0], 1e-3)
    use = (label == UNKNOWN) & (coverage > 0.9) & (share > _SURE)
    return np.where(use, best, label).astype(np.uint8)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = ParsingNetwork()
    network.load_state_dict({name: value.float() for name, value in load_file(arguments.weights).items()})
    ask = NetworkParser(network, torch.device("cpu"), nullcontext)
    for path in sorted(arguments.real.glob("*.npz")):
        with np.load(path, allow_pickle=False) as data:
            files = dict(data)
        picture = cv2.imdecode(files["picture"], cv2.IMREAD_COLOR)[..., ::-1]
        label, coverage, weight = (cv2.imdecode(files[name], cv2.IMREAD_UNCHANGED) for name in ("label", "coverage", "weight"))
        known = np.where(weight > 250, coverage / 255.0, 0)
        files["guess"] = cv2.imencode(".png", guessed(ask(picture), label, known, set(str(files["tags"]).split())))[1]
        np.savez(path, **files)


if __name__ == "__main__":
    main()
