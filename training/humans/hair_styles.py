"""What hair styles there are, as ranges that each head draws its own cut from, and who wears them. Lengths are metres."""

from dataclasses import dataclass, replace

import numpy as np

from .noise import smoothstep

Ranges = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Cut:
    """One head's cut. The defaults are a plain short one.

    Hairline: `front` its height over the brows in the middle and `recession` how much higher the temples lie, both as shares of the
    height from brows to crown; `sideburn` from 0, the ear's top, to 1, its lobe; `nape` below the lobes; `wreath` the share of the skull's
    height that is bare on top.
    Lengths: `top`, `side`, `back`; hanging hair is cut at `blunt` over the chin, and hair from the front within `fringe_wide` degrees of
    the middle is combed forward and cut at `fringe` over the brows.
    Combing: `whorl` away from the crown, `aside` away from the parting at x = `part`, `backward`, `forward`.
    Fall: `lift` how upright locks leave the skin; `hug` how close they keep to it; `drop` after how much of a lock it hangs; `inward` how
    much it then closes in; `volume` the thickness of all layers, of which the share `under` is solid with uneven `lumps`.
    Locks: amplitudes of waves (`wave`) and of helices (`curl`) of a `wavelength`; `mess`, disorder; half width `radius`; `flat`, thickness
    over width; `blade`, the share of the length after which they narrow; `count` on a full head; `rings`, points of each.
    Ties: `tie`, degrees over the horizon, seen from the skull's centre, where hair is gathered; `tail`, length from there.
    """

    front: float = 0.5
    recession: float = 0.04
    sideburn: float = 0.5
    nape: float = 0.012
    wreath: float = 0.0
    top: float = 0.05
    side: float = 0.03
    back: float = 0.04
    blunt: float = -1.0
    fringe: float = 0.0
    fringe_wide: float = 0.0
    part: float = 0.0
    whorl: float = 0.3
    aside: float = 0.0
    backward: float = 0.0
    forward: float = 0.0
    lift: float = 0.5
    hug: float = 0.3
    drop: float = 0.1
    inward: float = 0.1
    volume: float = 0.01
    under: float = 0.6
    lumps: float = 0.1
    wave: float = 0.0
    curl: float = 0.0
    wavelength: float = 0.06
    mess: float = 0.15
    radius: float = 0.005
    flat: float = 0.5
    blade: float = 0.6
    count: float = 1000
    rings: float = 6
    tie: float = 0.0
    tail: float = 0.0


@dataclass(frozen=True)
class Style:
    """How likely men and women wear it, the ranges of its cuts, whether training or only evaluation shows it, and where hair is tied:
    "" or "tail", "bun" at the back, "tails" or "braids" at both sides."""

    men: float
    women: float
    ranges: Ranges
    split: str = "training"
    tied: str = ""


_SHORT: Ranges = {
    "rings": (6, 6), "count": (900, 1200), "sideburn": (0.1, 0.9), "radius": (0.004, 0.0058), "front": (0.42, 0.58), "lumps": (0, 0.25),
    "hug": (0.3, 0.7), "mess": (0.06, 0.2), "volume": (0.006, 0.016),
}  # fmt: skip
_LONG: Ranges = {
    "rings": (13, 14), "count": (170, 230), "radius": (0.0095, 0.013), "flat": (0.3, 0.45), "blade": (0.6, 0.85), "drop": (0.07, 0.12),
    "lift": (0.1, 0.5), "volume": (0.008, 0.02), "recession": (0, 0.03), "front": (0.4, 0.52), "sideburn": (0.1, 0.4), "mess": (0.04, 0.14),
    "top": (0.42, 0.48), "side": (0.3, 0.36), "back": (0.32, 0.38), "hug": (0.3, 0.6), "whorl": (0.1, 0.3), "blunt": (-0.19, 0.02),
    "inward": (0, 0.3),
}  # fmt: skip
_TIED: Ranges = _LONG | {
    "rings": (11, 12), "count": (260, 340), "radius": (0.007, 0.01), "flat": (0.3, 0.4), "hug": (0.9, 0.95), "lift": (0.05, 0.2),
    "volume": (0.004, 0.01),
    "top": (0.4, 0.4), "side": (0.3, 0.3), "back": (0.25, 0.25), "drop": (9, 9), "blunt": (-1, -1), "mess": (0.01, 0.06),
    "whorl": (0, 0), "sideburn": (0.05, 0.25), "tail": (0.15, 0.4),
}  # fmt: skip
_CURLS: Ranges = {
    "flat": (0.6, 0.8), "lumps": (0.2, 0.5), "mess": (0.3, 0.5), "hug": (0, 0.2), "blade": (0.75, 0.9), "under": (0.75, 0.9),
}  # fmt: skip

STYLES: dict[str, Style] = {
    "buzz": Style(3, 0.3, _SHORT | {
        "top": (0.004, 0.01), "side": (0.003, 0.006), "back": (0.003, 0.008), "volume": (0.002, 0.004), "radius": (0.0016, 0.0024),
        "rings": (3, 3), "count": (2200, 2500), "lift": (0.8, 1.6), "lumps": (0, 0.05)}),
    "cropped": Style(4, 0.5, _SHORT | {
        "top": (0.018, 0.035), "side": (0.008, 0.016), "back": (0.01, 0.02), "volume": (0.004, 0.01), "lift": (0.6, 1.2),
        "forward": (0, 0.8), "rings": (5, 5), "count": (1300, 1600), "radius": (0.003, 0.0045)}),
    "side_part": Style(4, 0.7, _SHORT | {
        "top": (0.06, 0.1), "side": (0.018, 0.04), "back": (0.02, 0.045), "part": (0.02, 0.042), "aside": (0.7, 1.2),
        "backward": (0.1, 0.6)}),
    "swept_back": Style(2.5, 0.8, _SHORT | {
        "top": (0.07, 0.12), "side": (0.03, 0.06), "back": (0.04, 0.07), "backward": (1, 1.5), "lift": (0.2, 1.2), "whorl": (0, 0.15)}),
    "tousled": Style(3, 1.5, _SHORT | {
        "top": (0.045, 0.08), "side": (0.025, 0.05), "back": (0.03, 0.06), "lift": (0.6, 1.3), "mess": (0.3, 0.6), "hug": (0, 0.3),
        "forward": (0, 0.6), "wave": (0, 0.004), "volume": (0.01, 0.022), "fringe": (0.005, 0.03), "fringe_wide": (0, 40)}),
    "spiky": Style(1, 0.2, _SHORT | {
        "top": (0.03, 0.055), "side": (0.015, 0.025), "back": (0.02, 0.03), "lift": (1.5, 3), "hug": (0, 0), "mess": (0.2, 0.4),
        "drop": (0.3, 0.6), "whorl": (0.05, 0.2), "forward": (0, 0.4), "volume": (0.006, 0.012), "rings": (5, 5)}),
    "receding": Style(2.5, 0.05, _SHORT | {
        "top": (0.02, 0.05), "side": (0.012, 0.03), "back": (0.015, 0.03), "front": (0.6, 0.8), "recession": (0.12, 0.3),
        "backward": (0, 1),
        "volume": (0.003, 0.008), "rings": (5, 5)}),
    "wreath": Style(1.5, 0, _SHORT | {
        "top": (0.01, 0.02), "side": (0.01, 0.035), "back": (0.015, 0.035), "wreath": (0.3, 0.6), "front": (0.8, 0.9),
        "volume": (0.003, 0.01),
        "rings": (5, 5)}),
    "curly_short": Style(2, 1, _SHORT | _CURLS | {
        "top": (0.05, 0.08), "side": (0.025, 0.045), "back": (0.03, 0.05), "lift": (1, 2), "curl": (0.004, 0.007),
        "wavelength": (0.028, 0.04),
        "rings": (12, 12), "count": (480, 560), "volume": (0.018, 0.035), "drop": (0.1, 0.2), "radius": (0.0045, 0.006)}),
    "afro": Style(1, 1.3, _SHORT | _CURLS | {
        "top": (0.022, 0.032), "side": (0.022, 0.03), "back": (0.022, 0.03), "lift": (3, 4), "curl": (0.003, 0.005),
        "wavelength": (0.018, 0.026),
        "rings": (8, 8), "count": (950, 1050), "volume": (0.022, 0.065), "lumps": (0.05, 0.14), "mess": (0.2, 0.35), "drop": (3, 3),
        "whorl": (0.05, 0.1), "radius": (0.004, 0.006)}),
    "pixie": Style(0.3, 1.8, _SHORT | {
        "top": (0.06, 0.1), "side": (0.04, 0.055), "back": (0.03, 0.06), "part": (0.015, 0.04), "aside": (0.5, 1), "forward": (0.2, 0.7),
        "recession": (0, 0.02), "radius": (0.005, 0.007)}),
    "middle_long": Style(0.4, 3, _LONG | {"part": (-0.006, 0.006), "aside": (0.7, 1), "backward": (0.1, 0.4)}),
    "side_long": Style(0.4, 3.5, _LONG | {"part": (0.02, 0.045), "aside": (0.7, 1), "backward": (0, 0.5), "lift": (0.2, 0.8)}),
    "wavy_long": Style(0.2, 3, _LONG | {
        "part": (-0.03, 0.03), "aside": (0.7, 1), "backward": (0, 0.4), "wave": (0.006, 0.013), "wavelength": (0.07, 0.13),
        "rings": (18, 18),
        "volume": (0.012, 0.028)}),
    "back_long": Style(0.8, 1.5, _LONG | {"backward": (1, 1.4), "whorl": (0, 0.1), "lift": (0.2, 0.9), "top": (0.36, 0.42)}),
    "fringe_long": Style(0.2, 2, _LONG | {
        "part": (-0.01, 0.01), "aside": (0.5, 0.9), "fringe": (0.003, 0.018), "fringe_wide": (40, 60)}),
    "bob": Style(0.1, 2, _LONG | {
        "part": (-0.035, 0.035), "aside": (0.7, 1), "blunt": (-0.01, 0.05), "blade": (0.8, 0.9), "wave": (0, 0.004)}),
    "ponytail": Style(0.3, 2.5, _TIED | {"tie": (-10, 50)}, tied="tail"),
    "low_bun": Style(0.1, 1.5, _TIED | {"tie": (-25, 15), "tail": (0.028, 0.042)}, tied="bun"),
    "braids": Style(0, 0.7, _TIED | {"tie": (-28, -18), "part": (-0.004, 0.004), "tail": (0.14, 0.3)}, tied="braids"),
    "undercut": Style(2, 0.3, _SHORT | {
        "top": (0.08, 0.13), "side": (0.004, 0.008), "back": (0.004, 0.01), "backward": (1, 1.4), "whorl": (0, 0.1), "hug": (0.7, 0.9),
        "volume": (0.006, 0.012)}, split="evaluation"),
    "bob_fringe": Style(0.1, 2, _LONG | {
        "part": (-0.01, 0.01), "aside": (0.7, 1), "blunt": (0, 0.05), "fringe": (0.004, 0.018), "fringe_wide": (42, 60),
        "blade": (0.8, 0.9)},
        split="evaluation"),
    "curly_long": Style(0.5, 2, _LONG | _CURLS | {
        "curl": (0.007, 0.012), "wavelength": (0.065, 0.1), "rings": (28, 28), "count": (200, 240), "top": (0.3, 0.36),
        "side": (0.2, 0.25),
        "back": (0.22, 0.27), "volume": (0.015, 0.035), "part": (-0.02, 0.02), "aside": (0.5, 0.9), "radius": (0.007, 0.009)},
        split="evaluation"),
    "topknot": Style(1, 1.5, _TIED | {"tie": (60, 80), "tail": (0.025, 0.036)}, split="evaluation", tied="bun"),
    "pigtails": Style(0, 0.8, _TIED | {"tie": (0, 25), "part": (-0.004, 0.004)}, split="evaluation", tied="tails"),
    "grey_crop": Style(2.5, 0.6, _SHORT | {
        "top": (0.03, 0.05), "side": (0.01, 0.02), "back": (0.012, 0.025), "part": (0.02, 0.04), "aside": (0.5, 0.9), "forward": (0.3, 0.8),
        "volume": (0.004, 0.01)}, split="evaluation"),
}  # fmt: skip


def draw_cut(rng: np.random.Generator, gender: float, age: float, split: str = "training", name: str | None = None) -> tuple[str, Cut]:
    """A style's name, drawn from a split unless given, and a random cut of it, for gender (0 female .. 1 male) and age (.5: 25 years)."""
    if name is None:
        names = [name for name, style in STYLES.items() if style.split == split]
        weights = np.array([gender * STYLES[name].men + (1 - gender) * STYLES[name].women for name in names])
        name = str(rng.choice(names, p=weights / weights.sum()))
    cut = Cut(**{key: float(rng.uniform(*span)) for key, span in STYLES[name].ranges.items()})
    thinning = 0.25 * rng.random() * gender * float(smoothstep(np.array((age - 0.6) / 0.4)))
    recession = cut.recession + 0.1 * gender * rng.random() + thinning
    return name, replace(cut, recession=recession, part=cut.part * float(rng.choice([-1, 1])))
