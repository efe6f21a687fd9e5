"""Draws all that one person wears on the head (hair, beard, hat, glasses, earrings) in one place, so that they suit each other."""

import numpy as np

from .accessories import draw_frame, make_earrings, make_glasses
from .appearance import Appearance
from .bald import BaldHead
from .beards import draw_beard, grow_beard
from .bodies import Body
from .hair import grow_hair
from .hair_styles import draw_cut
from .hats import draw_hat, flattened, make_hat
from .noise import Noise
from .part import Paint, PlainPaint, RestPart

HATTED = 0.15
"""Share of the people with grown hair who wear something on it."""
_METALS = ((0.6, 0.45, 0.2), (0.55, 0.55, 0.57), (0.1, 0.1, 0.11))


def groom(
    head: BaldHead,
    body: Body,
    appearance: Appearance,
    rng: np.random.Generator,
    noise: Noise,
    split: str,
    hair: bool = True,
    beard: bool = True,
    hatted: float = HATTED,
) -> list[RestPart]:
    """Closed pieces, and thin lenses, for one head; styles come from a split, "training" or "evaluation".

    hair: grow it, and perhaps a hat with it; false where the person has other hair. beard: grow one on some grown men. hatted: share of
    those with grown hair who wear something on it.
    """
    pieces: list[RestPart] = []
    if hair and rng.random() > 0.06 * body.gender:
        name, cut = draw_cut(rng, body.gender, body.age, split)
        allowed = None
        if rng.random() < hatted:
            hat = make_hat(head, rng, noise, draw_hat(rng, split), appearance.cloth(rng))
            pieces += hat.parts
            cut, allowed = flattened(cut), hat.allowed
        pieces += grow_hair(head, rng, noise, appearance.hair, name, cut, allowed)
    if beard and body.gender > 0.55 and body.age > 0.5 and rng.random() < 0.35:
        pieces += grow_beard(head, rng, noise, appearance.beard, draw_beard(rng, split))
    if rng.random() < 0.06 + 0.2 * body.age:
        pieces += make_glasses(head, rng, draw_frame(rng, split), _frame_paint(rng))
    if rng.random() < 0.3 * (1 - body.gender):
        pieces += make_earrings(head, rng, PlainPaint(_METALS[rng.integers(2)]))
    return pieces


def _frame_paint(rng: np.random.Generator) -> Paint:
    """Metal, black or brown plastic, or now and then a colour."""
    kind = rng.random()
    if kind < 0.35:
        return PlainPaint(_METALS[rng.integers(len(_METALS))])
    if kind < 0.85:
        dark = rng.uniform(0.004, 0.05)
        return PlainPaint((dark * rng.uniform(1, 2.5), dark, dark * rng.uniform(0.4, 1)))
    red, green, blue = rng.uniform(0.01, 0.6, 3)
    return PlainPaint((red, green, blue))
