"""Results of many photos, one after the other, for programs that use Likeness as a library."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import Cancelled, LikenessError
from .pipeline import Reconstructor
from .progress import Cancel
from .result import Result
from .settings import Settings


def reconstruct_each(
    reconstructor: Reconstructor, photos: Iterable[Path], settings: Settings, cancel: Cancel | None = None
) -> Iterator[tuple[Path, Result | LikenessError]]:
    """Each photo with its result, or with the error whose message says why there is none: a bad photo stops no other.

    Nothing is kept: a result can be written and forgotten before the next one is made. Raises Cancelled when `cancel` answers True.
    """
    for photo in photos:
        try:
            yield photo, reconstructor.run(photo, settings, cancel=cancel)
        except Cancelled:
            raise
        except LikenessError as error:
            yield photo, error
