"""Samples of a field on a cubic lattice, stored only near its surface."""

import itertools
from collections.abc import Iterator

import numpy as np

SIDE = 8
_SHIFT = 3  # SIDE is 2 to this
_OUTSIDE, _INSIDE = 0, 1  # the two slots that stand for every block without own storage
_CHUNK = 2048  # blocks handled at once: bounds temporary arrays to some 10 MB
_AXES = np.eye(3, dtype=int)
_NEIGHBOURHOOD = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
_FAR = 1.0  # magnitude of values that were never evaluated: only their sign counts


class Lattice:
    """(cells + 1)^3 samples over the cube [-1, 1]^3, in blocks of 8^3; blocks far from the surface are only a sign.

    Samples are addressed by integer indices (N, 3) in 0..cells. Values are negative inside. A sample is *known* when the field was asked,
    else its value is a guess of which only the sign counts. Samples on and beyond the cube's faces are outside, so that surfaces end there.
    """

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self._width = cells // SIDE + 1
        # One block of margin on either side, so that neighbours can be looked up without bounds checks.
        self._table = np.zeros((self._width + 2,) * 3, np.int32)
        self._values = np.full((2, SIDE, SIDE, SIDE), _FAR, np.float32)
        self._values[_INSIDE] = -_FAR
        self._known = np.zeros((2, SIDE, SIDE, SIDE), bool)
        self._count = 2

    @classmethod
    def dense(cls, cells: int) -> "Lattice":
        """A lattice with every sample stored, unknown and outside."""
        lattice = cls(cells)
        lattice.allocate(np.argwhere(np.ones((lattice._width,) * 3, bool)))
        return lattice

    @classmethod
    def refined(cls, coarse: "Lattice", active: np.ndarray) -> "Lattice":
        """Twice the resolution around the active samples (N, 3) of `coarse`; new samples are guessed by trilinear interpolation."""
        fine = cls(2 * coarse.cells)
        corners = np.stack(np.meshgrid(*[np.arange(fine._width) * (SIDE // 2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        fine._table[1:-1, 1:-1, 1:-1] = (coarse.value(np.minimum(corners, coarse.cells)) < 0).reshape((fine._width,) * 3)
        blocks = fine.blocks_around(2 * active, margin=2)
        fine.allocate(blocks)
        half = np.arange(SIDE // 2 + 1)
        stencil = np.stack(np.meshgrid(half, half, half, indexing="ij"), axis=-1)
        even = (slice(None), *[slice(None, None, 2)] * 3)
        for part in _chunks(blocks):
            slots = fine._slots(part)
            sources = np.minimum(part[:, None, None, None] * (SIDE // 2) + stencil, coarse.cells)
            values = coarse.value(sources)
            known = np.zeros((len(part), SIDE, SIDE, SIDE), bool)
            known[even] = coarse.known(sources[:, :-1, :-1, :-1])
            for axis in (1, 2, 3):
                values = _double(values, axis)
            fine._values[slots] = values
            fine._known[slots] = known
        fine._close_border(blocks)
        return fine

    def value(self, indices: np.ndarray) -> np.ndarray:
        """Values (...) at sample indices (..., 3)."""
        return self._values.ravel()[self._address(indices)]

    def known(self, indices: np.ndarray) -> np.ndarray:
        """Whether the field was evaluated at sample indices (..., 3)."""
        return self._known.ravel()[self._address(indices)]

    def set(self, indices: np.ndarray, values: np.ndarray, known: bool = True) -> None:
        """Store values (N,) at indices (N, 3) of stored blocks; the cube's faces stay outside."""
        address = self._address(indices)
        self._values.ravel()[address] = np.where(self.on_border(indices), _FAR, values)
        self._known.ravel()[address] = known

    def on_border(self, indices: np.ndarray) -> np.ndarray:
        """Whether samples (..., 3) lie on the cube's faces."""
        return (indices.min(axis=-1) <= 0) | (indices.max(axis=-1) >= self.cells)

    def positions(self, indices: np.ndarray) -> np.ndarray:
        """Crop-frame positions (N, 3) float32 of lattice coordinates (N, 3), which may be fractional."""
        return (indices * (2.0 / self.cells) - 1).astype(np.float32)

    def blocks_around(self, indices: np.ndarray, margin: int = 1) -> np.ndarray:
        """Unique block coordinates (B, 3) of everything within `margin` samples (at most a block) of the indices (N, 3)."""
        low = np.clip(indices - margin, 0, self.cells) >> _SHIFT
        beyond = (np.clip(indices + margin, 0, self.cells) >> _SHIFT) > low
        found = np.zeros((self._width,) * 3 + (2, 2, 2), bool)
        found[(*low.T, *beyond.T.astype(np.int8))] = True
        ends = np.argwhere(found)
        mask = np.zeros((self._width,) * 3, bool)
        for choice in itertools.product((0, 1), repeat=3):
            mask[tuple((ends[:, :3] + ends[:, 3:] * choice).T)] = True
        return np.argwhere(mask)

    def allocate(self, blocks: np.ndarray) -> None:
        """Give blocks (B, 3) their own storage; their samples keep their sign and are unknown."""
        slots = self._slots(blocks)
        new = blocks[slots < 2]
        needed = self._count + len(new)
        if needed > len(self._values):
            spare = max(needed - len(self._values), self._count // 4)
            self._values = np.concatenate([self._values, np.empty((spare, SIDE, SIDE, SIDE), np.float32)])
            self._known = np.concatenate([self._known, np.zeros((spare, SIDE, SIDE, SIDE), bool)])
        fresh = np.arange(self._count, needed)
        self._values[fresh] = self._values[slots[slots < 2]]
        self._known[fresh] = False
        self._table[tuple((new + 1).T)] = fresh
        self._count = needed
        self._close_border(new)

    def stored(self) -> np.ndarray:
        """Coordinates (B, 3) of the blocks that have storage."""
        return np.argwhere(self._table[1:-1, 1:-1, 1:-1] >= 2)

    def crossed(self, blocks: np.ndarray, unknown_only: bool = False) -> np.ndarray:
        """Indices (N, 3) of the samples in `blocks` with a neighbour of the other sign along an axis: the ends of all cut edges."""
        found = [np.zeros((0, 3), np.int64)]
        for part in _chunks(blocks):
            slots = self._slots(part)
            inside = self._values[slots] < 0
            change = np.zeros(inside.shape, bool)
            for axis in range(3):
                flags, ends = np.moveaxis(inside, axis + 1, 1), np.moveaxis(change, axis + 1, 1)
                differs = flags[:, 1:] != flags[:, :-1]
                ends[:, 1:] |= differs
                ends[:, :-1] |= differs
                for step, here, there in ((1, -1, 0), (-1, 0, -1)):
                    layer = (slice(None),) * axis + (there,)
                    beyond = self._values[(self._slots(part + step * _AXES[axis]), *layer)] < 0
                    ends[:, here] |= flags[:, here] != beyond
            if unknown_only:
                change &= ~self._known[slots]
            block, *local = np.nonzero(change)
            found.append(part[block] * SIDE + np.stack(local, axis=1))
        return np.concatenate(found)

    def around(self, indices: np.ndarray) -> np.ndarray:
        """Indices (27 N, 3) of the samples (N, 3), none on the cube's faces, and all their neighbours."""
        return (indices[:, None] + _NEIGHBOURHOOD).reshape(-1, 3)

    def unknown(self, indices: np.ndarray) -> np.ndarray:
        """Those of the samples (N, 3) that are not known, each once."""
        shape = (self.cells + 1,) * 3
        each = np.stack(np.unravel_index(np.unique(np.ravel_multi_index(tuple(indices.T), shape)), shape), axis=1)
        return each[~self.known(each)]

    def cut_cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Low corners (M, 3) and corner values (M, 8) of the cells with both signs; corner c is at offset (c & 1, c >> 1 & 1, c >> 2)."""
        offsets = np.array([(c & 1, c >> 1 & 1, c >> 2) for c in range(8)])
        strides = np.array([(SIDE + 1) ** 2, SIDE + 1, 1])
        bases, values = [np.zeros((0, 3), np.int32)], [np.zeros((0, 8), np.float32)]
        for part in _chunks(self.stored()):
            extended = self._extended(part)
            negative = extended < 0
            inside = np.zeros((len(part), SIDE, SIDE, SIDE), np.uint8)
            for x, y, z in offsets:
                inside += negative[:, x : SIDE + x, y : SIDE + y, z : SIDE + z]
            block, *local = np.nonzero((inside > 0) & (inside < 8))
            low = np.stack(local, axis=1)
            bases.append((part[block] * SIDE + low).astype(np.int32))
            place = block * (SIDE + 1) ** 3 + low @ strides
            values.append(extended.ravel()[place[:, None] + offsets @ strides])
        return np.concatenate(bases), np.concatenate(values)

    def _extended(self, blocks: np.ndarray) -> np.ndarray:
        """Values (B, 9, 9, 9) of blocks with the first samples of the blocks after them."""
        result = np.empty((len(blocks), SIDE + 1, SIDE + 1, SIDE + 1), np.float32)
        for offset in itertools.product((0, 1), repeat=3):
            target = tuple(slice(SIDE, None) if step else slice(0, SIDE) for step in offset)
            source = tuple(slice(0, 1) if step else slice(None) for step in offset)
            result[(slice(None), *target)] = self._values[(self._slots(blocks + offset), *source)]
        return result

    def _slots(self, blocks: np.ndarray) -> np.ndarray:
        return self._table[tuple((blocks + 1).T)]

    def _address(self, indices: np.ndarray) -> np.ndarray:
        """Places (...) in the flat storage of samples (..., 3)."""
        blocks, local = (indices >> _SHIFT) + 1, indices & (SIDE - 1)
        width = self._width + 2
        slots = self._table.ravel()[(blocks[..., 0] * width + blocks[..., 1]) * width + blocks[..., 2]]
        return ((slots.astype(np.intp) * SIDE + local[..., 0]) * SIDE + local[..., 1]) * SIDE + local[..., 2]

    def _close_border(self, blocks: np.ndarray) -> None:
        """Samples on the cube's faces, and those of the last blocks beyond them, are outside and need no field."""
        at_border = ((blocks == 0) | (blocks == self._width - 1)).any(1)
        local = np.arange(SIDE)
        for block, slot in zip(blocks[at_border], self._slots(blocks[at_border]), strict=True):
            index = block[:, None] * SIDE + local
            x, y, z = (index <= 0) | (index >= self.cells)
            border = x[:, None, None] | y[None, :, None] | z[None, None, :]
            self._values[slot][border] = _FAR
            self._known[slot][border] = True


def _chunks(blocks: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(blocks), _CHUNK):
        yield blocks[start : start + _CHUNK]


def _double(values: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation of n + 1 samples along an axis to 2 n."""
    moved = np.moveaxis(values, axis, 0)
    result = np.empty((2 * (len(moved) - 1), *moved.shape[1:]), np.float32)
    result[0::2] = moved[:-1]
    result[1::2] = 0.5 * (moved[:-1] + moved[1:])
    return np.moveaxis(result, 0, axis)
