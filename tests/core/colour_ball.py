"""A ball whose front a camera sees, and cells that face every way, for tests of colours."""

from types import SimpleNamespace

import numpy as np

from likeness.core.colour.fill import colour_vertices
from likeness.core.colour.hidden_colours import SkinChange
from likeness.core.colour.kinds import KINDS, SKIN, Places
from likeness.core.colour.material import levels
from likeness.core.photo.parsing import CLASSES

SIZE, RADIUS = 256, 0.6
FAIR = np.array([0.8, 0.62, 0.52], np.float32)
_AXIS = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
X, Y = np.meshgrid(_AXIS, -_AXIS)


def coloured(
    ball: SimpleNamespace,
    photo: np.ndarray,
    shown: np.ndarray,
    kind: str = "skin",
    skin_change: SkinChange | None = None,
    closed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours and observed of a head of nothing but one kind before a photo (S, S, 3), of which `shown` (S, S) bool is the person."""
    matte = (shown & (np.hypot(X, Y) < RADIUS)).astype(np.float32)
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index(kind)], parsing[..., CLASSES.index("background")] = matte, 1 - matte

    def guess(points: np.ndarray) -> tuple[np.ndarray, Places]:
        codes = np.column_stack([(points[:, 0] + 1) / 2, points[:, 1] * 0.5 + 0.6, (points[:, 2] + 1) / 2]).clip(0.001, 1)
        nothing, all_over = np.zeros(len(points), np.float32), np.full(len(points), kind == "skin", np.float32)
        return np.tile(FAIR, (len(points), 1)), Places(codes.astype(np.float32), 1 - all_over, all_over, nothing, nothing)

    given = ball.vertices, ball.faces, ball.normals, photo.astype(np.float32), matte, guess, parsing, skin_change
    return colour_vertices(*given, closed=closed)[:2]


def rim(strength: float) -> np.ndarray:
    """A photo (S, S, 3) of skin that darkens where it turns away from the camera, beyond 45 degrees."""
    return FAIR * np.where(np.hypot(X, Y) > RADIUS * np.sin(np.radians(45)), 1 - strength, 1)[..., None]


def cells(count: int = 6000) -> SimpleNamespace:
    """Cells that face every way, of which the front is seen."""
    normals = np.random.default_rng(0).standard_normal((count, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return SimpleNamespace(normals=normals, places=0.4 * normals, weight=(normals[:, 2] > 0).astype(np.float32))


def skin_levels(of: SimpleNamespace, seen: np.ndarray, guess: np.ndarray | None = None, face: np.ndarray | None = None) -> np.ndarray:
    """Levels (K, 3) of nothing but skin."""
    share = np.eye(len(KINDS))[np.full(len(seen), SKIN)]
    guess = np.tile(FAIR, (len(seen), 1)) if guess is None else guess
    return levels(guess.astype(np.float32), seen.astype(np.float32), of.weight, share, of.places, of.normals, face=face)[0]
