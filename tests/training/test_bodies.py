"""Random bodies and their expressions; whole bodies only where anny's model is cached, since building it takes minutes."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from likeness.core.models.head import HeadModel
from likeness.core.models.skinning import joint_transforms, skin
from likeness.training.humans import body_model
from likeness.training.humans.bodies import Bodies, Body
from likeness.training.humans.expressions import sample_expression
from likeness.training.humans.faces import Faces

ANNY = os.environ.get("ANNY_CACHE_DIR")
PACK = Path(os.environ.get("LIKENESS_ASSETS", "assets"))
needs_anny = pytest.mark.skipif(
    not (PACK / body_model.FILE).exists() and (ANNY is None or not any(Path(ANNY).rglob("*.safetensors"))),
    reason="LIKENESS_ASSETS names no training pack and ANNY_CACHE_DIR holds no built model",
)
needs_pack = pytest.mark.skipif(not (PACK / "ict_face").exists(), reason="LIKENESS_ASSETS names no asset pack or training pack")


@cache
def bodies() -> Bodies:
    return Bodies(PACK if PACK.exists() else None)


@cache
def person() -> Body:
    return bodies().sample(np.random.default_rng(11))


def test_expressions_are_known_shapes_within_their_limits() -> None:
    rng = np.random.default_rng(0)
    known = set(HeadModel.load().expression_names)
    drawn = [sample_expression(rng) for _ in range(600)]
    for weights in drawn:
        assert set(weights) <= known
        assert all(0 < weight <= 1 for weight in weights.values())
        assert weights.get("jawOpen", 0) <= 0.8
        for other in ("Left", "Right"):
            assert sum(weight for name, weight in weights.items() if name.startswith("mouth") and not name.endswith(other)) < 1.21
    smiles = [weights for weights in drawn if weights.get("mouthSmileLeft", 0) > 0.3]
    assert len(smiles) > 30
    assert all("cheekSquintLeft" in weights for weights in smiles)
    assert 0.01 < np.mean([weights.get("eyeBlinkLeft", 0) > 0.8 for weights in drawn]) < 0.08
    uneven = [abs(weights.get("browDownLeft", 0) - weights.get("browDownRight", 0)) for weights in drawn if "browDownLeft" in weights]
    assert np.median(uneven) < 0.1


@needs_anny
def test_a_body_is_the_same_for_the_same_seed() -> None:
    again = bodies().sample(np.random.default_rng(11))
    assert np.array_equal(again.vertices, person().vertices)
    assert again.expression == person().expression


@needs_anny
def test_the_frame_is_that_of_the_head_model() -> None:
    left, right = person().joints[3:]
    assert np.linalg.norm(left - right) == pytest.approx(0.063, abs=1e-6)
    assert np.allclose(left + right, 0, atol=1e-6)
    assert left[0] > 0
    assert person().vertices[:13_380, 1].min() < -0.8


@needs_anny
def test_women_and_men_are_called_so() -> None:
    model, phenotype = bodies()._model, person().phenotype | {"age": 0.7}
    bust = lambda gender: np.ptp([model.neutral(phenotype | {"gender": gender, "cupsize": size}, {}) for size in (0.0, 1.0)], axis=0).max()  # noqa: E731
    assert bust(1.0) > 0.01 > bust(0.0)  # anny's 1 is a woman
    assert person().gender == 1 - person().phenotype["gender"]


@needs_anny
def test_bones_carry_the_joints_and_the_skin() -> None:
    names, parents, weights = bodies().bone_names, bodies().bone_parents, bodies().bone_weights
    assert weights.shape == (len(person().vertices), len(names))
    assert np.allclose(weights.sum(1), 1, atol=1e-5)
    assert (parents < np.arange(len(names))).all()
    assert np.allclose(person().bones[names.index("jaw")], person().joints[2])
    assert np.allclose(bodies().weights.sum(1), 1, atol=1e-5)
    pose = np.zeros((len(names), 3))
    pose[names.index("upperarm01.L"), 2] = 0.5
    moved = skin(person().vertices, weights.toarray(), *joint_transforms(person().bones, parents, pose)) - person().vertices
    hand = weights[:, names.index("wrist.L")].toarray().ravel() > 0.5
    assert moved[hand, 1].min() > 0.05
    arm = {names.index("upperarm01.L")}
    for bone, parent in enumerate(parents):
        arm |= {bone} if parent in arm else set()
    still = np.asarray(weights[:, sorted(arm)].sum(1)).ravel() == 0
    assert still.sum() > 5000
    assert np.abs(moved[still]).max() < 1e-5


@needs_anny
@needs_pack
def test_two_fifths_of_the_people_have_heads_from_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    put_on, calls = Faces.put_on, []
    monkeypatch.setattr(Faces, "put_on", lambda *arguments: calls.append(0) or put_on(*arguments))
    for seed in range(30):
        bodies().sample(np.random.default_rng(seed))
    assert 6 <= len(calls) <= 18
