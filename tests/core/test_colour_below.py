"""What goes on below a photo: skin and clothes, a neckline that closes, and no hair."""

import numpy as np

from likeness.core.colour.below import continued_below
from likeness.core.photo.parsing import CLASSES

SIZE, END = 200, 160
SKIN, SHIRT, TIE = (0.8, 0.6, 0.5), (0.9, 0.9, 0.92), (0.1, 0.2, 0.6)


def crop(kinds: list[tuple[slice, str, tuple[float, float, float]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A crop whose photo ends at END, with kinds in columns from 100 down to there."""
    photo, matte, parsing = np.zeros((SIZE, SIZE, 3), np.float32), np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE, len(CLASSES)))
    photo[:END] = 0.3
    for columns, kind, colour in kinds:
        photo[100:END, columns], matte[100:END, columns] = colour, 1
        parsing[100:END, columns, CLASSES.index(kind)] = 1
    return photo, matte, parsing


def test_a_shirt_and_its_tie_go_on_below_the_photo() -> None:
    photo, matte, parsing, shown = continued_below(
        *crop([(slice(40, 90), "clothes", SHIRT), (slice(90, 110), "clothes", TIE), (slice(110, 160), "clothes", SHIRT)])
    )
    assert shown.sum() == END
    assert np.abs(photo[170, 100] - TIE).max() < 0.03 and np.abs(photo[190, 60] - SHIRT).max() < 0.03
    assert matte[190, 50:150].min() > 0.99 and matte[190, :35].max() == 0
    assert parsing[190, 100, CLASSES.index("clothes")] == 1
    run = np.abs(np.diff(photo[195, 80:120], axis=0)).max()
    assert run < 0.5 * np.abs(np.diff(photo[END - 5, 80:120], axis=0)).max(), "colours run into each other on the way down"


def test_a_neckline_closes_below_the_photo() -> None:
    photo, _, parsing, _ = continued_below(
        *crop([(slice(40, 80), "clothes", TIE), (slice(80, 120), "skin", SKIN), (slice(120, 160), "clothes", TIE)])
    )
    width = (parsing[[162, 175], :, CLASSES.index("skin")] > 0.5).sum(1)
    assert width[0] >= 36 and 10 < width[1] < 25
    assert np.abs(photo[175, 85] - TIE).max() < 0.05


def test_hair_does_not_go_on_below_the_photo() -> None:
    _, matte, _, _ = continued_below(*crop([(slice(40, 80), "hair", TIE), (slice(80, 120), "skin", SKIN)]))
    assert matte[190, 45:75].max() == 0 and matte[190, 85:115].min() > 0.9


def test_a_person_who_is_all_in_the_photo_stays() -> None:
    given = crop([(slice(40, 160), "clothes", SHIRT)])
    given[0][END:], given[1][END - 20 :] = 0.3, 0
    given[0][END - 20 :] = 0.3
    found = continued_below(*given)
    assert all(np.array_equal(one, other) for one, other in zip(found, given, strict=False))
