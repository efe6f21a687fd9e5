"""What a head's fine relief is made from: the photo's teeth, and lines of its skin off the nose."""

from pathlib import Path

import numpy as np

from likeness.core.geometry.visibility import sample_picture
from likeness.core.photo.parsing import CLASSES
from likeness.core.pipeline import Reconstructor


def test_a_photos_teeth_and_lines_are_part_of_its_head(reconstructor: Reconstructor, astronaut: Path) -> None:
    prepared = reconstructor.prepare(reconstructor.intake.load(astronaut))
    photo, matte, parsing = prepared.pictures(256)
    assert parsing is not None
    shut = parsing.copy()
    shut[..., CLASSES.index("teeth")] = 0
    bust = prepared.surface
    depths = []
    for one in (parsing, shut):
        found, _ = reconstructor.heads._with_features(prepared, bust.vertices, bust.faces, (photo, matte, one))
        teeth = sample_picture(np.ascontiguousarray(parsing[..., CLASSES.index("teeth")]), found) * (found[:, 2] > 0.2)
        depths.append(np.percentile(found[teeth > 0.5, 2], [10, 50, 90]))
    assert np.abs(depths[0] - depths[1]).max() > 0.003
    detail = prepared.fine_detail(128, 1.0, (photo, matte, parsing))
    assert detail is not None
    places = bust.canonical[:, :2]
    nose = (np.hypot(places[:, 0], (places[:, 1] + 0.15) / 2) < 0.03) & (bust.vertices[:, 2] > 0.3)
    cheek = np.hypot(np.abs(places[:, 0]) - 0.22, places[:, 1] + 0.2) < 0.03
    share = sample_picture(detail.lines.share, bust.vertices)
    assert share[nose].max() < 0.05 and share[cheek].mean() > 0.7
