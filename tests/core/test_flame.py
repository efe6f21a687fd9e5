"""FLAME files, real in shape and hostile ones, and the head registered in their topology. The files are made in flame_files.py."""

import io
import json
import os
import pickle  # noqa: TID251 - writes what the reader must refuse
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likeness.core.errors import InputError
from likeness.core.geometry.closest import ClosestSurface
from likeness.core.models.flame.model import FlameModel, FlameParameters
from likeness.core.models.flame.reader import FlameFile, read_flame
from likeness.core.models.flame.restricted_pickle import Call, array_of, read_pickle
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import LEFT_EYE, RIGHT_EYE
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix
from likeness.core.topology.flame import FlameFit, _stiff, fit_flame
from likeness.core.topology.rigged import RiggedHead

from .flame_files import FACES, VERTICES, flame_table, write_npz, write_pkl
from .model_rig import model_rig


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    return flame_table()


@pytest.fixture(scope="module")
def file(table: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> FlameFile:
    return read_flame(write_pkl(table, tmp_path_factory.mktemp("flame") / "generic_model.pkl"))


def same(file: FlameFile, table: dict[str, Any]) -> None:
    assert file.template.shape == (VERTICES, 3) and file.faces.shape == (FACES, 3)
    assert np.array_equal(file.faces, table["f"])
    both = np.concatenate([file.shapes, file.expressions]).transpose(1, 2, 0)
    for found, wanted in (
        (file.template, table["v_template"]),
        (both, table["shapedirs"]),
        (file.pose_shapes.transpose(1, 2, 0), table["posedirs"]),
        (file.joint_regressor, table["J_regressor"].toarray()),
        (file.weights, table["weights"]),
    ):
        assert np.allclose(found, wanted, atol=1e-6)
    assert file.parents.tolist() == [-1, 0, 1, 1, 1]


def test_a_pickle_with_chumpy_and_scipy_arrays_is_read(file: FlameFile, table: dict[str, Any]) -> None:
    same(file, table)


def small(table: dict[str, Any]) -> dict[str, Any]:
    """A file that is quick to write; what it lacks is checked elsewhere."""
    return {name: table[name] for name in ("v_template", "f", "J_regressor", "kintree_table", "weights")}


@pytest.mark.parametrize("protocol", range(6))
def test_every_pickle_protocol_is_read(table: dict[str, Any], tmp_path: Path, protocol: int) -> None:
    read = read_pickle(write_pkl(small(table), tmp_path / "a.pkl", protocol).read_bytes(), "a.pkl")
    assert set(read) == set(small(table))
    with pytest.raises(InputError, match="shapedirs is missing"):
        read_flame(tmp_path / "a.pkl")


def test_python_2_strings_are_read() -> None:
    """As Python 2.7 wrote protocol 2: BINSTRING, not text, for names and numbers."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    values = np.arange(6, dtype=">f4").reshape(2, 3)
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    kind = b"cnumpy\ndtype\n" + text(b"f4") + b"K\x00K\x01\x87R(K\x03" + text(b">") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01K\x02K\x03\x86" + kind + b"\x89T" + struct.pack("<i", 24) + values.tobytes() + b"tb"
    read = read_pickle(b"\x80\x02}q\x01" + text(b"v_template") + array + state + b"s.", "old.pkl")
    assert np.array_equal(array_of(read["v_template"], 100), values)


def test_an_npz_is_read(table: dict[str, Any], tmp_path: Path) -> None:
    same(read_flame(write_npz(table, tmp_path / "flame2023.npz")), table)
    parted = dict(table)
    parted["shapedirs"], parted["expressiondirs"] = table["shapedirs"][..., :300], table["shapedirs"][..., 300:]
    same(read_flame(write_npz(parted, tmp_path / "parted.npz")), table)


class _Runs:
    """Unpickled, it would leave a mark; as a command, an import or a builtin."""

    def __init__(self, called: Callable[..., Any], *arguments: Any) -> None:
        self.called, self.arguments = called, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.called, self.arguments


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_in_a_pickle_runs(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "mark"
    for bomb in (_Runs(os.system, f"touch {mark}"), _Runs(eval, f"open({str(mark)!r}, 'w')"), _Runs(os.mkdir, str(mark))):
        path = tmp_path / "evil.pkl"
        path.write_bytes(pickle.dumps({"v_template": bomb, "f": [bomb]}, protocol))
        with pytest.raises(InputError, match="could run a program"):
            read_flame(path)
        assert not mark.exists()


def test_even_known_names_are_never_called() -> None:
    """A dtype or array that a file "makes" is a record of names and arguments; its state changes nothing but the record."""
    made = read_pickle(b"cnumpy\nndarray\n(K\x05tR}U\x05dtypeK\x01sb.", "a.pkl")
    assert isinstance(made, Call) and made.name == "numpy.ndarray" and made.arguments == (5,) and made.state == {"dtype": 1}
    for data in (
        b"c__builtin__\ngetattr\n.",
        b"cnumpy\nload\n.",
        b"cos\nsystem\n.",
        b"\x8c\x02os\x8c\x06system\x93.",
        b"cchumpy.ch\nCh.__init__\n.",
    ):
        with pytest.raises(InputError, match="could run a program"):
            read_pickle(data, "a.pkl")
    for data in (b"(ios\nsystem\n.", b"(cos\no.", b"P1\n.", b"Q.", b"\x82\x01.", b"\x92.", b"\x97."):
        with pytest.raises(InputError):
            read_pickle(data, "a.pkl")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"garbage",
        b"\x80\x02]q\x00(K\x01",
        b"T\xff\xff\xff\x7fabc.",
        b"T\xff\xff\xff\xffabc.",
        b"B\xff\xff\xff\xff.",
        b"\x8e" + b"\xff" * 8 + b".",
        b"\x96" + b"\xff" * 7 + b"\x7f.",
        b"\x8b\xff\xff\xff\x7f.",
        b"I" + b"9" * 100_000 + b"\n.",
        b"pabc\n.",
        b"S'abc\n.",
        b"S'\\x'\n.",
        b"Fabc\n.",
        b"X\x01\x00\x00\x00\xff.",
        b"K\x01K\x02b.",
        b"K\x01a.",
        b"}K\x01s.",
        b"}(K\x01u.",
        b"}))s.",
        b"t.",
        b"j\xff\xff\xff\x7f.",
        b"(" * 50_000 + b".",
        b"]" * 2_000_000,
        b"0" * 10,
    ],
    ids=range(26),
)
def test_damaged_pickles_are_refused_with_one_sentence(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read_pickle(data, "bad.pkl")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith("bad.pkl") and "\n" not in str(caught.value)


def test_deep_nesting_neither_recurses_nor_crashes() -> None:
    with pytest.raises(InputError, match="deep"):
        read_pickle(b"](" * 30_000 + b"e" * 30_000 + b".", "deep.pkl")
    chain = b"]" + b"\x85" * 50_000 + b"."
    assert isinstance(read_pickle(chain, "chain.pkl"), tuple)
    shared = b")" + b"2\x86" * 200 + b"."
    assert isinstance(read_pickle(shared, "laughs.pkl"), tuple)


def _with_state(state: tuple[Any, ...]) -> bytes:
    head = b"\x80\x02}U\x0av_templatecnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    # Memo places of the state do not meet any other.
    return head + pickle.dumps(state, 2)[2:-1] + b"bs."


@pytest.mark.parametrize(
    "state",
    [
        (1, (2**31, 2**31), np.dtype("f8"), False, b"12345678"),
        (1, (10**9, 3), np.dtype("f8"), False, b"12345678"),
        (1, (-1,), np.dtype("f8"), False, b"12345678"),
        (1, (1.0,), np.dtype("f8"), False, b"12345678"),
        (1, (2,), np.dtype(object), False, [1, 2]),
        (1, (1,), np.dtype("V8"), False, b"12345678"),
        (1, (1,), np.dtype("S8"), False, b"12345678"),
        (1, (0, 3), np.dtype("f8"), False, b""),
        "state",
    ],
    ids=["huge", "large", "negative", "fraction", "objects", "void", "strings", "empty", "no state"],
)
def test_arrays_that_lie_are_refused_before_anything_is_allocated(tmp_path: Path, state: Any) -> None:
    path = tmp_path / "liar.pkl"
    path.write_bytes(_with_state(state))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="is not a usable"):
            read_flame(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("v_template", np.zeros((5023, 2)), "v_template"),
        ("v_template", np.full((5023, 3), np.nan), "no numbers"),
        ("f", np.full((9976, 3), 5023), "faces"),
        ("shapedirs", np.zeros((5023, 3, 7)), "shapedirs"),
        ("posedirs", np.zeros((5023, 3, 9)), "posedirs"),
        ("J_regressor", np.zeros((5, 7)), "J_regressor"),
        ("kintree_table", np.array([[-1, 4, 1, 1, 1], [0, 1, 2, 3, 4]]), "tree"),
        ("kintree_table", np.zeros((2, 24), int), "kintree_table"),
        ("weights", np.ones((5023, 5)), "weights"),
        ("weights", np.array(["a"]), "weights"),
    ],
)
def test_other_models_are_refused(table: dict[str, Any], tmp_path: Path, key: str, value: np.ndarray, message: str) -> None:
    light = {**table, "shapedirs": np.zeros((VERTICES, 3, 400), np.float16), key: value}
    with pytest.raises(InputError, match=message):
        read_flame(write_npz(light, tmp_path / "other.npz"))


def test_hostile_archives_are_refused(tmp_path: Path) -> None:
    def archive(name: str, content: bytes) -> Path:
        path = tmp_path / "a.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr(name, content)
        return path

    def header(shape: str, dtype: str = "<f8") -> bytes:
        buffer = io.BytesIO()
        text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        buffer.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode())
        return buffer.getvalue()

    tracemalloc.start()
    try:
        for content in (header("(1000000000000,)"), header("(-5,)"), header("(1,)", "|O") + b"12345678", b"\x93NUMPY\x09\x00", b"no array"):
            with pytest.raises(InputError, match="damaged"):
                read_flame(archive("v_template.npy", content))
        with pytest.raises(InputError, match="damaged"):
            read_flame(archive("readme.txt", b"FLAME"))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    bomb = bytearray(archive("v_template.npy", bytes(3_000_000)).read_bytes())
    # The directory at the end claims half a gigabyte.
    at = bytes(bomb).rindex(b"PK\x01\x02") + 24
    bomb[at : at + 4] = struct.pack("<I", 500_000_000)
    (tmp_path / "a.npz").write_bytes(bomb)
    with pytest.raises(InputError, match="unpacks to more"):
        read_flame(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(InputError, match="damaged"):
        read_flame(tmp_path / "a.npz")
    with (tmp_path / "large.pkl").open("wb") as sparse:
        sparse.truncate(500_000_000)
    with pytest.raises(InputError, match="larger than"):
        read_flame(tmp_path / "large.pkl")
    with pytest.raises(InputError, match="cannot be read"):
        read_flame(tmp_path / "none.pkl")


def test_flame_poses_as_the_paper_says(file: FlameFile) -> None:
    model = FlameModel(file)
    assert np.allclose(model.posed(FlameParameters())[0], file.template, atol=1e-6)
    pose = np.zeros((5, 3))
    pose[0] = [0.1, 0.7, -0.2]
    turned = model.posed(FlameParameters(pose=pose, translation=np.array([0.0, 1.0, 0.0])))[0]
    root = file.joint_regressor[0] @ file.template
    assert np.allclose(turned, (file.template - root) @ rotation_matrix(pose[0]).T + root + [0, 1, 0], atol=1e-5)
    pose = np.zeros((5, 3))
    pose[2] = [0.3, 0, 0]
    opened = model.posed(FlameParameters(pose=pose))[0] - file.template
    chin = file.weights[:, 2] > 0.7
    eyes = file.weights[:, 3] > 0.95
    assert opened[chin, 1].min() < -0.02
    assert np.allclose(opened[eyes], model.pose_offsets(pose)[eyes], atol=1e-6)
    assert not np.allclose(model.pose_offsets(pose), 0)
    one = FlameParameters(shape=np.eye(300)[3], expression=np.eye(100)[7])
    assert np.allclose(model.posed(one)[0], file.template + file.shapes[3] + file.expressions[7], atol=1e-6)


@pytest.fixture(scope="module")
def ours() -> RiggedHead:
    """One of our people, smiling with an open mouth."""
    model = HeadModel.load()
    identity = np.random.default_rng(1).normal(0, 0.8, len(model.identity)) * (np.arange(len(model.identity)) < 40)
    expression = np.zeros(52)
    for name, value in (("mouthSmileLeft", 0.6), ("mouthSmileRight", 0.6), ("jawOpen", 0.4)):
        expression[model.expression_names.index(name)] = value
    return model_rig(model, Parameters(identity, expression, np.zeros((5, 3))))


@pytest.fixture(scope="module")
def fit(file: FlameFile, ours: RiggedHead) -> FlameFit:
    return fit_flame(FlameModel(file), ours)


def distances(vertices: np.ndarray, head: RiggedHead, key_values: np.ndarray, skin: np.ndarray) -> np.ndarray:
    surface = ClosestSurface(head.posed(key_values, np.zeros((5, 3))), head.faces[head.face_part == 0])
    return np.abs(surface.query(vertices[skin])[0])


def test_the_head_in_flame_topology_lies_on_ours(file: FlameFile, ours: RiggedHead, fit: FlameFit) -> None:
    skin = file.weights[:, 3:].max(1) < 0.5
    for values in (np.zeros(52), ours.key_values):
        distance = distances(fit.head.posed(values, fit.head.rotations), ours, values, skin)
        assert np.median(distance) < 0.0005 and np.percentile(distance, 95) < 0.0025
    assert fit.head.neutral.shape == (VERTICES, 3) and np.array_equal(fit.head.faces, file.faces)
    assert np.array_equal(fit.head.weights, file.weights)
    eyes = [LEFT_EYE, RIGHT_EYE]
    assert np.linalg.norm(fit.head.joints[eyes] - ours.joints[eyes], axis=1).max() < 0.003


def test_a_head_with_a_bent_neck_is_turned_as_a_whole(ours: RiggedHead) -> None:
    rotations = np.zeros((5, 3), np.float32)
    rotations[:3] = [[0.05, -0.1, 0.02], [-0.1, 0.2, 0.1], [0.15, 0, 0]]
    away = np.float32([0.004, 0.003, -0.006])  # the neck joint need not be the origin
    joints = ours.joints + away * (np.arange(5) > 0)[:, None]
    bent = replace(ours, rotations=rotations, joints=joints, neutral=ours.neutral + away)
    stiff, head = _stiff(bent), ours.weights[:, 1:3].sum(1) > 0.999
    before, after = (one.posed(one.key_values, one.rotations)[head] for one in (bent, stiff))
    assert np.abs(before - after).max() < 1e-5 and not stiff.rotations[1].any()


def test_flames_own_parameters_describe_the_person(file: FlameFile, ours: RiggedHead, fit: FlameFit) -> None:
    model = FlameModel(file)
    skin = (file.weights[:, 3:].max(1) < 0.5) & (file.template[:, 1] > -0.05)
    plain = FlameParameters(translation=ours.joints[[3, 4]].mean(0) - model.posed(FlameParameters())[1][[3, 4]].mean(0))
    before = distances(model.posed(plain)[0], ours, ours.key_values, skin).mean()
    after = distances(model.posed(fit.parameters)[0], ours, ours.key_values, skin).mean()
    assert after < 0.5 * before
    assert fit.residual < 0.002
    assert np.abs(fit.parameters.shape).max() < 5 and np.abs(fit.parameters.expression).max() < 5
    assert fit.parameters.pose[2, 0] > 0.03


def test_the_keys_come_along(file: FlameFile, ours: RiggedHead, fit: FlameFit) -> None:
    assert fit.head.key_names == ours.key_names
    left = fit.head.keys[fit.head.key_names.index("eyeBlinkLeft")]
    moving = np.linalg.norm(left, axis=1)
    assert 0.005 < moving.max() < 0.02
    assert moving[fit.head.neutral[:, 0] < -0.025].max() < 0.002
    jaw = fit.head.keys[fit.head.key_names.index("jawOpen")]
    assert jaw[file.weights[:, 2] > 0.7, 1].min() < -0.02
    assert all("Carried over" in note for note in fit.head.key_notes)


def test_the_parameters_are_strict_json(fit: FlameFit) -> None:
    data = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert len(data["shape"]) == 300 and len(data["expression"]) == 100
    for name in ("global_pose", "neck_pose", "jaw_pose", "left_eye_pose", "right_eye_pose", "translation"):
        assert len(data[name]) == 3
    assert np.allclose(data["jaw_pose"], fit.parameters.pose[2], atol=1e-5)


def test_the_made_up_uv_map_parts_skin_and_eyes(fit: FlameFit) -> None:
    uv = fit.head.uv[fit.head.faces_uv]
    assert uv.min() >= 0 and uv.max() <= 1
    assert np.percentile(np.ptp(uv[..., 0], axis=1), 99.5) < 0.2  # all but those at the crown
    eyes = fit.head.face_part > 0
    assert uv[eyes, :, 1].max() < uv[~eyes, :, 1].min()
