"""Random facial expressions out of the 52 ARKit shapes, such as people show in photos."""

import numpy as np

_SIDES = ("Left", "Right")
# Shape, without its side when it has two -> how often it is picked, most weight; more than that looks torn.
_PICKS = {
    "mouthSmile": (3.0, 1.0),
    "eyeSquint": (1.5, 0.8),
    "browDown": (1.5, 0.9),
    "browInnerUp": (1.5, 0.9),
    "browOuterUp": (1.2, 0.9),
    "mouthFrown": (1.0, 0.7),
    "eyeWide": (0.8, 0.7),
    "mouthPucker": (0.8, 0.8),
    "mouthPress": (0.8, 0.8),
    "mouthStretch": (0.6, 0.6),
    "mouthDimple": (0.6, 0.8),
    "mouthUpperUp": (0.6, 0.6),
    "mouthLowerDown": (0.6, 0.6),
    "mouthFunnel": (0.4, 0.6),
    "mouthRollLower": (0.4, 0.7),
    "mouthRollUpper": (0.4, 0.7),
    "mouthShrugLower": (0.5, 0.7),
    "mouthShrugUpper": (0.3, 0.5),
    "cheekPuff": (0.3, 0.7),
    "noseSneer": (0.6, 0.8),
    "mouthLeft": (0.3, 0.5),
    "mouthRight": (0.3, 0.5),
    "jawLeft": (0.2, 0.4),
    "jawRight": (0.2, 0.4),
}
_TWO_SIDED = {
    "mouthSmile", "eyeSquint", "eyeBlink", "eyeWide", "browDown", "browOuterUp", "mouthFrown", "mouthPress", "mouthStretch",
    "mouthDimple", "mouthUpperUp", "mouthLowerDown", "noseSneer", "cheekSquint",
}  # fmt: skip
_MOUTH_MOST = 1.2
"""Sum of the mouth's shapes, one side: they are made one by one, and more of them at once tear the lips."""
_JAW_MOST = 0.8
"""jawOpen of about 20 degrees."""


def sample_expression(rng: np.random.Generator) -> dict[str, float]:
    """Shape name -> weight in (0, 1]; gaze and tongue are not part of it. A fifth of the faces is neutral but for the lids."""
    weights: dict[str, float] = {}
    names, chances = list(_PICKS), np.array([chance for chance, _ in _PICKS.values()])
    count = 0 if rng.random() < 0.2 else rng.integers(1, 5)
    for pick in rng.choice(len(names), count, replace=False, p=chances / chances.sum()):
        weights |= _both(rng, names[pick], _PICKS[names[pick]][1] * rng.beta(1.4, 1.8))
    for side in _SIDES:
        if f"mouthSmile{side}" in weights:  # a smile without the cheeks looks pasted on
            weights[f"cheekSquint{side}"] = weights[f"mouthSmile{side}"] * rng.uniform(0.3, 0.8)
    if rng.random() < 0.3:
        weights["jawOpen"] = _JAW_MOST * rng.beta(1.1, 2.2)
    if rng.random() < 0.04:
        weights |= _both(rng, "eyeBlink", rng.uniform(0.85, 1), even=True)
    elif rng.random() < 0.4 and "eyeWideLeft" not in weights:
        weights |= _both(rng, "eyeBlink", rng.uniform(0.05, 0.45), even=True)
    for other in _SIDES:
        shown = [name for name in weights if name.startswith("mouth") and not name.endswith(other)]
        excess = sum(weights[name] for name in shown) / _MOUTH_MOST
        if excess > 1:
            weights |= {name: weights[name] / excess for name in shown}
    return {name: float(weight) for name, weight in weights.items() if weight > 0.01}


def _both(rng: np.random.Generator, name: str, weight: float, even: bool = False) -> dict[str, float]:
    """A shape at a weight; two-sided ones on both sides, mostly alike, now and then lopsided."""
    if name not in _TWO_SIDED:
        return {name: weight}
    other = weight + rng.normal(0, 0.05) if even or rng.random() < 0.85 else weight * rng.uniform(0, 0.6)
    strong, weak = rng.permutation(2)
    return {name + _SIDES[strong]: weight, name + _SIDES[weak]: float(np.clip(other, 0, 1))}
