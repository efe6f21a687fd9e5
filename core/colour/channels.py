"""The photo's crop with the parsing's as further channels, as the colour projection takes them."""

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

from ..photo.parsing import CLASSES
from .kinds import KINDS

COLOUR = slice(0, 3)
OF_KIND = slice(3, 3 + len(KINDS))
FEATURES = 3 + len(KINDS)
"""Eyes, lips and teeth."""
GLASSES = FEATURES + 1
"""And what they shade."""
THINGS = FEATURES + 2
"""Hands and things in front."""
EDGE = FEATURES + 3
"""Background around."""
_RIM = 0.04  # crop units (8 mm): hair is thin there, and has the background's tint
_AROUND = 0.012  # crop units (2.4 mm) around glasses and things that have their shadow


def photo_channels(photo: np.ndarray, parsing: np.ndarray | None) -> np.ndarray:
    """(S, S, C): the photo (S, S, 3), and with a parsing (S, S, len(CLASSES)) the channels above."""
    if parsing is None:
        return photo
    share = lambda *names: parsing[..., [CLASSES.index(name) for name in names]]  # noqa: E731
    around = 2 * round(_AROUND * len(parsing) / 2) + 1
    wide = [maximum_filter(share(name)[..., 0], around)[..., None] for name in ("glasses", "object")]
    rim = gaussian_filter(share("background")[..., 0], _RIM * len(parsing) / 2, truncate=2.5)[..., None]
    features = share("eyes", "lips", "teeth").sum(-1, keepdims=True)
    return np.concatenate([photo, share(*KINDS), features, *wide, rim], axis=-1, dtype=np.float32)
