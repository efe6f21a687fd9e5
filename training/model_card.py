"""The beginning of a model card: what was trained, on what, and what was measured."""

from pathlib import Path

from torch import nn

from .losses import Parts
from .recipe import Recipe


def write_card(path: Path, recipe: Recipe, network: nn.Module, step: int, seconds: float, measured: Parts) -> None:
    """Write the card beside the weights; what only a person can say is left to say."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    configuration = [f"- **Configuration**: `{recipe.config.to_json()}`"] if recipe.network in ("field", "colour") else []
    lines = [
        f"# {recipe.name}.safetensors",
        "",
        f"{recipe.network.capitalize()} network, {parameters / 1e6:.2f} M parameters, {parameters * 2 / 2**20:.1f} MiB in fp16.",
        "",
        *configuration,
        f"- **Made by** recipe `{recipe.name}`, seed {recipe.seed}: {step:,} steps of {recipe.batch} people, {seconds / 60:.0f} minutes.",
        "- **Data**: synthetic people of `training/data/samples.py`. No photographs, no scans.",
        "- **Measured** on held-out validation batches under random light and cameras (distances in crop units of 0.2 m):",
        "",
        *(["| " + " | ".join(measured) + " |", "|" + "---|" * len(measured)] if measured else []),
        *(["| " + " | ".join(f"{value:.4f}" for value in measured.values()) + " |"] if measured else []),
        "",
        "- **Limits**: to be written after looking at real photos.",
        "- **Licence**: CC0-1.0.",
    ]
    path.write_text("\n".join(lines) + "\n")
