"""The beginning of a model card: what was trained, on what, and what was measured."""

from pathlib import Path

from torch import nn

from .losses import Parts
from .recipe import Recipe

_DATA = {
    "head": "synthetic people of `training/data/samples.py`",
    "body": "synthetic people of `training/bodies/sample.py` under simulated and real fits",
}
_UNIT = {"head": "0.2 m", "body": "0.57 times the figure's longer side, about a metre"}


def write_card(path: Path, recipe: Recipe, network: nn.Module, step: int, seconds: float, measured: Parts) -> None:
    """Write the card beside the weights; what only a person can say is left to say."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    subject = recipe.config.subject
    configuration = [f"- **Configuration**: `{recipe.config.to_json()}`"] if recipe.network in ("field", "colour") else []
    lines = [
        f"# {recipe.name}.safetensors",
        "",
        f"{recipe.network.capitalize()} network, {parameters / 1e6:.2f} M parameters, {parameters * 2 / 2**20:.1f} MiB in fp16.",
        "",
        *configuration,
        f"- **Made by** recipe `{recipe.name}`, seed {recipe.seed}: {step:,} steps of {recipe.batch} people, {seconds / 60:.0f} minutes.",
        f"- **Data**: {_DATA[subject]}. No photographs, no scans.",
        f"- **Measured** on held-out validation batches under random light and cameras (distances in crop units of {_UNIT[subject]}):",
        "",
        *(["| " + " | ".join(measured) + " |", "|" + "---|" * len(measured)] if measured else []),
        *(["| " + " | ".join(f"{value:.4f}" for value in measured.values()) + " |"] if measured else []),
        "",
        "- **Limits**: to be written after looking at real photos.",
        "- **Licence**: CC0-1.0.",
    ]
    path.write_text("\n".join(lines) + "\n")
