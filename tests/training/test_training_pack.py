"""The training pack: bodies without anny, and only the pieces that people wear."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from likeness.training.data.training_pack import copy_arrays, copy_wardrobe
from likeness.training.humans import base_mesh, bodies, body_model
from likeness.training.humans.base_mesh import BaseMesh
from likeness.training.humans.bodies import JOINT_BONES, Bodies
from likeness.training.humans.body_model import BodyModel
from likeness.training.humans.faces import HM08_COUNT

AVERAGE = dict.fromkeys(
    ("gender", "age", "muscle", "weight", "height", "proportions", "cupsize", "firmness", "african", "asian", "caucasian"), 0.5
)
ASIAN, MALE, NEWBORN, OLD = 1, 3, 5, 9  # places among the 26 levels


def model(vertices: int = 30, bones: tuple[str, ...] = JOINT_BONES, depth: int = 2) -> BodyModel:
    """Random shapes: products are Asian men, newborns and the old; they mix into four shapes that span `depth` dimensions."""
    rng = np.random.default_rng(0)
    rows = vertices + len(bones)
    factors = np.zeros((3, 26), bool)
    factors[0, [ASIAN, MALE]] = factors[1, NEWBORN] = factors[2, OLD] = True
    details = ("jawOpen", "nose+", "nose-", "chin+", "chin-")
    moved = [np.sort(rng.choice(rows, 6, replace=False)) for _ in details]
    shapes = np.einsum("kd,dnc->knc", rng.normal(size=(4, depth)), rng.normal(0, 0.05, (depth, rows, 3)))
    return BodyModel(
        mean=rng.normal(0, 0.5, (rows, 3)).astype(np.float32),
        factors=factors,
        mixing=rng.normal(size=(3, 4)),
        shapes=shapes.astype(np.float32),
        details=details,
        start=np.arange(6) * 6,
        rows=np.concatenate(moved),
        offsets=rng.normal(0, 0.01, (30, 3)).astype(np.float32),
        bones=bones,
        parents=np.arange(len(bones)) - 1,
        weights=sp.random(vertices, len(bones), 0.6, format="csr", dtype=np.float32, random_state=1),
    )


def people(count: int) -> list[dict[str, float]]:
    rng = np.random.default_rng(3)
    return [{name: float(rng.random()) for name in AVERAGE} for _ in range(count)]


def test_products_are_of_the_levels_between_which_a_value_lies() -> None:
    young = model().products(AVERAGE | {"gender": 0.25, "age": -1 / 6, "asian": 1.0})
    assert young == pytest.approx([0.75 * 0.5, 0.5, 0])
    assert model().products(AVERAGE | {"gender": 1.0, "age": 1.0}) == pytest.approx([0, 0, 1])


def test_a_change_has_one_shape_for_each_direction() -> None:
    whole = model()
    still = whole.neutral(AVERAGE, {})
    for weight, row in ((0.5, 1), (-0.5, 2)):
        moves = whole.neutral(AVERAGE, {"nose": weight}) - still
        assert np.allclose(moves[whole.rows[row * 6 : row * 6 + 6]], 0.5 * whole.offsets[row * 6 : row * 6 + 6], atol=1e-6)
        assert np.count_nonzero(moves.any(1)) == 6
    with pytest.raises(KeyError, match="frown"):
        whole.moved(still, {"frown": 1.0})


def test_principal_shapes_keep_people_as_they_are_when_there_are_enough() -> None:
    whole, weight = model(), np.ones(34)
    exact = whole.reduced(people(40), ["chin"], weight, 2)
    assert exact.shapes.shape == (2, 34, 3)
    assert exact.changes == ["chin"] and "jawOpen" in exact.details
    for person in people(5):
        assert np.allclose(exact.neutral(person, {"chin": 0.4}), whole.neutral(person, {"chin": 0.4}), atol=1e-5)
    fewer = whole.reduced(people(40), [], weight, 1)
    assert max(np.abs(fewer.neutral(person, {}) - whole.neutral(person, {})).max() for person in people(5)) > 1e-3


def test_a_saved_model_makes_the_same_people(tmp_path: Path) -> None:
    (tmp_path / "bodies").mkdir()
    whole = model()
    whole.save(tmp_path / body_model.FILE)
    read = BodyModel.load(tmp_path)
    assert read.bones == whole.bones and read.details == whole.details
    assert np.array_equal(read.parents, whole.parents)
    assert (read.weights != whole.weights).nnz == 0
    for person in people(3):
        assert np.abs(read.neutral(person, {"nose": -1.0}) - whole.neutral(person, {"nose": -1.0})).max() < 2e-5


def test_bodies_of_a_pack_need_no_anny_and_repeat_with_their_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anny", None)  # importing it now fails
    monkeypatch.setattr(bodies, "_SCANNED_CHANCE", 0.0)
    (tmp_path / "bodies").mkdir()
    model(HM08_COUNT).save(tmp_path / body_model.FILE)
    first, again = (Bodies(tmp_path).sample(np.random.default_rng(5), {"jawOpen": 0.5}) for _ in range(2))
    assert np.array_equal(first.vertices, again.vertices)
    assert np.linalg.norm(first.joints[3] - first.joints[4]) == pytest.approx(0.063, abs=1e-6)
    with pytest.raises(ImportError):
        Bodies(tmp_path / "nowhere").sample(np.random.default_rng(5))


def test_the_base_mesh_is_read_as_it_was_saved(tmp_path: Path) -> None:
    (tmp_path / "bodies").mkdir()
    quads, uv = np.array([[0, 1, 2, 3], [1, 4, 5, 2]]), np.random.default_rng(0).random((6, 2))
    mesh = BaseMesh(np.zeros((6, 3), np.float32), uv, quads, quads[:, ::-1], np.array([0, 1]), ("body", "helper-skirt"))
    mesh.save(tmp_path / base_mesh.FILE)
    read = BaseMesh.load(tmp_path)
    assert read.triangles("helper-skirt").tolist() == [[1, 4, 5], [1, 5, 2]]
    assert np.allclose(read.corner_uv("body")[1], uv[[3, 1, 0]])


def test_only_worn_pieces_and_their_pictures_travel(tmp_path: Path) -> None:
    source, output = tmp_path / "from", tmp_path / "to"
    (source / "textures").mkdir(parents=True)
    (output / "textures").mkdir(parents=True)
    names, kinds = ["suit", "fedora", "high_poly", "low_poly"], ["clothes", "hat", "eyes", "eyes"]
    arrays: dict[str, Any] = {f"{name}/ref": np.arange(3) for name in names}
    np.savez(source / "proxies.npz", names=names, category=kinds, texture=["suit.webp", "hat.webp", "", ""], **arrays)
    files = ["suit.webp", "suit_normal.webp", "hat.webp", "eye_blue.webp", "skin.webp", "skinhead.webp"]
    for name in files:
        (source / "textures" / name).write_text(name)
    skins = [{"name": "old", "texture": "skin.webp", "head_crop": "skinhead.webp"}]
    (source / "textures.json").write_text(json.dumps({"textures": [{"file": name} for name in files], "skins": skins}))
    np.savez(source / "poses.npz", bones=["root"], pose_quat=np.zeros((1, 1, 4)), unit_quat=np.zeros(1))

    copy_wardrobe(source, output)
    with np.load(output / "proxies.npz") as data:
        assert data["names"].tolist() == ["suit", "high_poly"]
        assert {key for key in data.files if "/" in key} == {"suit/ref", "high_poly/ref"}
    assert sorted(path.name for path in (output / "textures").iterdir()) == ["eye_blue.webp", "skin.webp", "skinhead.webp", "suit.webp"]
    with np.load(output / "poses.npz") as data:
        assert set(data.files) == {"bones", "pose_quat"}


def test_arrays_may_stay_behind(tmp_path: Path) -> None:
    np.savez(tmp_path / "all.npz", verts=np.arange(3), uv=np.arange(2))
    copy_arrays(tmp_path / "all.npz", tmp_path / "few.npz", without=("uv",))
    with np.load(tmp_path / "few.npz") as data:
        assert data.files == ["verts"]
