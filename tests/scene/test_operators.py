"""The operators' blocking halves, with the real client and worker but a pipeline that needs no torch (stub_worker.py)."""

import bpy
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def environment(preferences, stub_python):
    preferences.existing_python = str(stub_python)


@pytest.fixture
def photo(part, tmp_path):
    """photo("name") makes name.png the reference photo."""

    def make(name: str):
        path = tmp_path / f"{name}.png"
        path.write_bytes(part("scene.photo").png_bytes(np.full((8, 8, 4), 200, np.uint8)))
        assert bpy.ops.likeness.load_photo(filepath=str(path)) == {"FINISHED"}
        return path

    return make


def test_photo_becomes_a_head(part, photo):
    photo("Grace")
    assert bpy.ops.likeness.reconstruct() == {"FINISHED"}
    assert bpy.context.object.name == "Grace" and "Grace" in bpy.data.collections
    assert part("operators.job").current() is None


def test_rig_is_made_when_asked_for(part, photo):
    photo("Grace")
    bpy.context.scene.likeness.rig = True
    assert bpy.ops.likeness.reconstruct() == {"FINISHED"}
    assert bpy.context.object.name == "Grace Head"
    assert "jaw" in part("scene.rig").rig_of(bpy.context.object).data.bones


def test_all_people_of_a_photo_stand_side_by_side(part, photo):
    photo("pair")
    bpy.context.scene.likeness.all_subjects = True
    assert bpy.ops.likeness.reconstruct() == {"FINISHED"}
    first, second = bpy.data.collections["pair"], bpy.data.collections["pair.001"]
    assert len(bpy.data.collections) == 2
    for kind in ("MESH", "CAMERA"):
        left, right = (next(item for item in made.objects if item.type == kind) for made in (first, second))
        assert (right.location - left.location).length == pytest.approx(1.2)
    assert part("operators.job").current() is None


def test_a_person_that_fails_costs_the_others_nothing(photo):
    photo("pair broken")
    bpy.context.scene.likeness.all_subjects = True
    assert bpy.ops.likeness.reconstruct() == {"FINISHED"}
    assert [made.name for made in bpy.data.collections] == ["pair broken"]


def test_a_photo_of_nobody_is_one_sentence_for_all_people(photo):
    photo("broken")
    bpy.context.scene.likeness.all_subjects = True
    with pytest.raises(RuntimeError, match="shows no face"):
        bpy.ops.likeness.reconstruct()


def test_worker_stays_for_the_next_photo(part, photo):
    client = part("worker.client").shared_client(part("operators.environment").worker_python(bpy.context))
    photo("Grace")
    bpy.ops.likeness.reconstruct()
    first = client.pid
    bpy.ops.likeness.reconstruct()
    assert client.alive and client.pid == first and "Grace.001" in bpy.data.collections


def test_packed_picture_is_reconstructed_without_its_file(photo):
    path = photo("Grace")
    bpy.context.scene.likeness.photo.pack()
    path.unlink()
    assert bpy.ops.likeness.reconstruct() == {"FINISHED"}
    assert bpy.context.object.name == "Grace"


def _counts() -> tuple[int, ...]:
    data = bpy.data
    return tuple(len(kind) for kind in (data.objects, data.meshes, data.cameras, data.images, data.materials, data.collections))


@pytest.mark.parametrize(("name", "sentence"), [("broken", "broken.png shows no face"), ("killed", "crashed|ended")])
def test_failures_are_one_sentence_and_change_nothing(part, photo, name, sentence):
    photo(name)
    before = _counts()
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.likeness.reconstruct()
    assert _counts() == before and part("operators.job").current() is None
    photo("Grace")
    assert bpy.ops.likeness.reconstruct() == {"FINISHED"}


def test_missing_photo_and_missing_environment_say_what_to_do(preferences, photo):
    with pytest.raises(RuntimeError, match="choose one in the sidebar"):
        bpy.ops.likeness.reconstruct()
    preferences.existing_python = ""
    photo("Grace")
    with pytest.raises(RuntimeError, match="Set Up Environment"):
        bpy.ops.likeness.reconstruct()
    with pytest.raises(RuntimeError, match="Set Up Environment"):
        bpy.ops.likeness.self_test()


def test_reconstruct_is_greyed_out_without_a_photo(extension, photo):
    assert not bpy.ops.likeness.reconstruct.poll()
    photo("Grace")
    assert bpy.ops.likeness.reconstruct.poll()


def test_photo_that_was_moved_is_named(part, photo, tmp_path):
    path = photo("Grace")
    path.rename(tmp_path / "elsewhere.png")
    bpy.context.scene.likeness.photo.buffers_free()  # as in a file opened again
    with pytest.raises(RuntimeError, match=r"Grace\.png is not there any more .*; choose the photo again"):
        bpy.ops.likeness.reconstruct()
    assert part("operators.failure").last() is None  # nothing to report to anybody


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"a\.png does not exist"),
        (b"These are words.", r"a\.png is not a JPEG, PNG, WebP, HEIC"),
        (b"", r"a\.png is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), r"a\.png is damaged or incomplete"),
    ],
)
def test_file_that_is_no_picture_is_refused(extension, tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.likeness.load_photo(filepath=str(tmp_path / "a.png"))
    assert bpy.context.scene.likeness.photo is None and not len(bpy.data.images)


def test_photo_that_blender_cannot_show_becomes_a_packed_png(part, monkeypatch, tmp_path):
    def as_png(python, photo, folder):
        made = folder / f"{photo.stem}.png"
        made.write_bytes(part("scene.photo").png_bytes(np.full((8, 6, 4), 200, np.uint8)))
        return made, []

    monkeypatch.setattr(part("operators.photo_files"), "as_png", as_png)
    (tmp_path / "IMG_1.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert bpy.ops.likeness.load_photo(filepath=str(tmp_path / "IMG_1.heic")) == {"FINISHED"}
    image = bpy.context.scene.likeness.photo
    assert image.packed_file and tuple(image.size) == (6, 8) and image.name == "IMG_1.png"
    copy = part("scene.photo").photo_file(image, tmp_path)
    assert copy.name == "IMG_1.png" and copy.read_bytes() == bytes(image.packed_file.data)


def test_photo_that_blender_cannot_show_needs_the_environment(preferences, tmp_path):
    preferences.existing_python = ""
    (tmp_path / "IMG_1.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(RuntimeError, match="Set Up Environment"):
        bpy.ops.likeness.load_photo(filepath=str(tmp_path / "IMG_1.heic"))


def test_drop_handler_serves_the_3d_view_only(part):
    handler = part("operators.load_photo").LIKENESS_FH_photo
    assert handler.bl_file_extensions == ";".join(part("core.photo.files").SUFFIXES)

    class Context:
        def __init__(self, kind):
            self.area = type("Area", (), {"type": kind})() if kind else None

    assert handler.poll_drop(Context("VIEW_3D"))
    assert not handler.poll_drop(Context("IMAGE_EDITOR")) and not handler.poll_drop(Context(None))


def test_set_up_without_online_access_is_refused():
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Online access is off"):
        bpy.ops.likeness.set_up_environment()


def test_set_up_runs_the_installer_and_reports_its_end(part, preferences, monkeypatch, tmp_path):
    environment = part("worker.environment")
    asked = {}

    def install(folder, online, wheels=None, progress=None, cancel=None, base_python=None):
        asked.update(folder=folder, wheels=wheels)
        progress("Installing packages", 0.5)
        return environment.EnvironmentStatus(True, stub, size=1 << 20)

    stub = tmp_path / "python"
    monkeypatch.setattr(environment, "install", install)
    preferences.wheels = str(tmp_path)
    assert bpy.ops.likeness.set_up_environment() == {"FINISHED"}
    assert asked["wheels"] == tmp_path and asked["folder"].name == "environment"
    assert str(asked["folder"]).startswith(bpy.utils.extension_path_user(part("operators.environment").EXTENSION))


def test_failed_set_up_is_one_sentence(part, preferences, monkeypatch, tmp_path):
    def install(*arguments):
        raise part("core.errors").WorkerError("The disk is full; free some space.")

    monkeypatch.setattr(part("worker.environment"), "install", install)
    preferences.wheels = str(tmp_path)
    with pytest.raises(RuntimeError, match="The disk is full"):
        bpy.ops.likeness.set_up_environment()


@pytest.mark.parametrize("passed", [True, False])
def test_the_self_test_gives_its_summary_or_says_what_to_do(part, passed):
    protocol, self_test = part("worker.protocol"), part("operators.self_test")

    class Client:
        def self_test(self):
            self.answers = [[protocol.Progress("photo", 0.5)], [protocol.Tested(passed, "Verdict.\nfailed: no torch.\n3 s")]]
            self.versions = {}

        def poll(self):
            return self.answers.pop(0)

    job = self_test.SelfTest(Client())
    assert job.poll() is None and job.fraction == 0.5
    if passed:
        assert job.poll().startswith("Verdict.")
    else:
        with pytest.raises(part("core.errors").WorkerError, match=r"failed \(no torch\); set the environment up again"):
            job.poll()
    assert self_test.summary.startswith("Verdict.") and self_test.passed == passed
