"""Average two normal networks' weights: `python -m likeness.training.normals.mix OLD NEW OUTPUT --share 0.5`.

A network that was trained on from another one is better on what it has learned from and may be worse on what it has not; the average of
both weights often keeps most of either (Wortsman et al. 2022). What NEW has and OLD has not begins at zero, as training did.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def mixed(old: dict[str, torch.Tensor], new: dict[str, torch.Tensor], share: float) -> dict[str, torch.Tensor]:
    """Tensors of `new`, of which `share` counts, and those of `old` for the rest; whole numbers are those of `new`."""
    result = {}
    for name, value in new.items():
        before = old.get(name, torch.zeros_like(value))
        result[name] = torch.lerp(before.float(), value.float(), share).to(value.dtype) if value.is_floating_point() else value
    return result


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the new weights")
    arguments = parser.parse_args()
    save_file(mixed(load_file(arguments.old), load_file(arguments.new), arguments.share), arguments.output)


if __name__ == "__main__":
    main()
