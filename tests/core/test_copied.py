"""What is copied from the photo, and what it only shows, on a ball."""

from types import SimpleNamespace

import numpy as np
import pytest

from likeness.core.colour.channels import photo_channels
from likeness.core.colour.copied import ColouredSurface, Copied
from likeness.core.colour.kinds import BEARD, CLOTHES, Places
from likeness.core.colour.project import Projection
from likeness.core.photo.parsing import CLASSES

from .colour_ball import FAIR, RADIUS, SIZE, X, Y


@pytest.mark.parametrize(("name", "kind"), [("beard", BEARD), ("clothes", CLOTHES)])
def test_what_is_seen_steeply_is_known_for_what_it_is(ball: SimpleNamespace, name: str, kind: int) -> None:
    """A beard's last millimetres below the jaw are not copied, but no bare skin either."""
    matte = (np.hypot(X, Y) < RADIUS).astype(np.float32)
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index(name)], parsing[..., CLASSES.index("background")] = matte, 1 - matte
    photo = np.broadcast_to(FAIR, (SIZE, SIZE, 3)).astype(np.float32)
    none = np.zeros(len(ball.vertices), np.float32)

    def guess(points: np.ndarray) -> tuple[np.ndarray, Places]:
        return np.tile(FAIR, (len(points), 1)), Places(points * 0 + 0.5, none[: len(points)] + 1, *(none[: len(points)],) * 3)

    surface = ColouredSurface.of(ball.vertices, ball.normals, guess, None)
    projection = Projection.of(ball.vertices, ball.faces, photo_channels(photo, parsing), matte)
    steep = (ball.normals[:, 2] > 0.08) & (ball.normals[:, 2] < 0.2)
    copied = Copied.of(surface, projection, parsed=True)
    assert copied.of_scalp[steep, kind].mean() > 0.6
    assert steep.sum() > 50 and copied.observed[steep].max() < 0.5 and copied.grazed[steep, kind].mean() > 0.6, "at the outline, too"
