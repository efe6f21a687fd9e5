"""Published networks of shapes on bodies: a file with PIFu's keys that describes a slab goes through the pipeline of bodies."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from likeness.core.bodies import BodyReconstructor
from likeness.core.errors import AssetError
from likeness.core.fields.published import load_published
from likeness.core.networks.reference import DEPTH_SCALE, HGFilter, ReferenceColour, ReferencePifu, ResnetFilter, SkipMLP
from likeness.core.networks.weights import BODY_FIELD, FOLDER, is_own_format
from likeness.core.photo.faces import MediaPipeDetector
from likeness.core.photo.figure import BodyView
from likeness.core.photo.intake import Intake
from likeness.core.progress import RECONSTRUCTION, Clock
from likeness.core.settings import Settings

_THICK = 0.12  # crop units, half the slab


def write_slab(path: Path) -> Path:
    """PIFu with one small hourglass, whose occupancy is more than a half where |z| < _THICK."""
    torch.manual_seed(0)
    network = ReferencePifu(HGFilter(3, 1, 1), SkipMLP((257, 4, 4, 4, 4, 1), ()))
    state = {name: value.clone() for name, value in network.state_dict().items()}  # some are shared
    for layer in range(5):
        weight, bias = (state[f"surface_classifier.conv{layer}.{what}"] for what in ("weight", "bias"))
        weight.zero_(), bias.zero_()
        if layer == 0:  # |z| as the sum of its two signs
            weight[0, 256], weight[1, 256] = 1.0, -1.0
        elif layer < 4:
            weight[0, 0] = weight[1, 1] = 1.0
        else:
            weight[0, :2], bias[0] = -2 / (_THICK * DEPTH_SCALE), 2.0
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def slab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_slab(tmp_path_factory.mktemp("published") / "net_G.safetensors")


def test_a_published_network_makes_the_body_of_a_photo(slab: Path) -> None:
    view = Intake(MediaPipeDetector()).load_subject(Path(__file__).parent / "figures" / "front.jpg")
    assert isinstance(view, BodyView)
    bodies = BodyReconstructor(field=slab)
    result = bodies.run(view, Settings(quality="draft"), Clock(RECONSTRUCTION))
    seen = result.views[0]
    places = seen.framing.to_crop(seen.pose.to_camera(result.surface.vertices), seen.camera)
    assert np.abs(places[:, 2]).max() == pytest.approx(_THICK, abs=0.03)
    assert result.report["silhouette_iou"] > 0.9 and result.body is not None
    assert bodies.hashes() == {"field/net_G.safetensors": hashlib.sha256(slab.read_bytes()).hexdigest()}
    assert BodyReconstructor().hashes() == {}


def test_files_of_ours_are_told_from_published_ones(slab: Path, tmp_path: Path) -> None:
    assert is_own_format(FOLDER / BODY_FIELD.file) and not is_own_format(slab)
    (tmp_path / "net.pth").write_bytes(b"PK" + bytes(100))
    assert not is_own_format(tmp_path / "net.pth")
    with pytest.raises(AssetError, match="cannot be read"):
        is_own_format(tmp_path / "missing.pth")


def test_networks_that_make_no_shape_from_a_photo_are_refused(tmp_path: Path) -> None:
    colour = ReferenceColour(ResnetFilter(), SkipMLP((513, 4, 4, 4, 4, 3), ()))
    copied = lambda network: {name: value.clone() for name, value in network.state_dict().items()}  # noqa: E731 - some are shared
    save_file(copied(colour), tmp_path / "colour.safetensors")
    semantic = ReferencePifu(HGFilter(6, 1, 1), SkipMLP((260, 4, 4, 4, 4, 1), ()))
    save_file(copied(semantic), tmp_path / "semantic.safetensors")
    for name in ("colour", "semantic"):
        with pytest.raises(AssetError, match="holds no shapes from a photo alone"):
            load_published(tmp_path / f"{name}.safetensors")
