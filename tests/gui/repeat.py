"""Every operator of the extension, found by introspection, in a window: run, redone, repeated, undone. Blender lives and never freezes.

A job that is repeated runs again as another modal operator, with the properties that were adjusted; no call blocks for as long as a job
takes. Operators on a file are run through Blender's file browser.
"""

import os
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from sample import result as sample_result
from sample import standing
from window import OUT, clear, heads, in_view, part, picture, play, press, say, until, use_worker, view

SECONDS = 3.0
"""How long a job takes; it must be longer than what a slow machine needs for anything else."""
RECORDING = "Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,EyeBlinkRight\n" + "".join(
    f"00:00:01:{frame:02d}.0,61,{frame / 20},0,0\n" for frame in range(20)
)
ACTIONS = ("ed.undo_redo", "screen.repeat_last", "screen.redo_last", "ed.undo", "ed.redo", "ed.undo", "ed.undo_redo", "screen.repeat_last")
"""Undo empties Blender's list of what can be repeated: the last two are refused, or meet an operator that lived before ours."""

begun: list[tuple[str, dict]] = []
"""Jobs that were begun, with their properties."""


def files() -> dict[str, Path]:
    """What to choose for the operators on a file."""
    (OUT / "recording.csv").write_text(RECORDING)
    photo = Path(os.environ["LIKENESS_PHOTO"])
    pictures = OUT / "pictures"
    pictures.mkdir(exist_ok=True)
    (pictures / photo.name).write_bytes(photo.read_bytes())
    return {
        "likeness.load_photo": photo,
        "likeness.add_photos": pictures / photo.name,
        "likeness.add_video": pictures / photo.name,
        "likeness.copy_expression": photo,
        "likeness.animate_video": pictures / photo.name,
        "likeness.import_live_link": OUT / "recording.csv",
        "likeness.export_rig": OUT / "rig.glb",
        "likeness.export_print": OUT / "print.stl",
    }


def call(name: str, *arguments: object, **options: object) -> set[str]:
    """An operator as a button or a shortcut calls it; never for long."""
    module, _, function = name.partition(".")
    start = time.monotonic()
    with in_view():
        operator = getattr(getattr(bpy.ops, module), function)
        try:
            result = operator(*arguments, **options) if operator.poll() else {"REFUSED"}
        except RuntimeError as error:
            result = {f"ERROR {error}"}
    spent = time.monotonic() - start
    say(f"  {name} {result} {spent:.2f} s")
    assert spent < 0.8 * SECONDS, f"{name} froze the window for {spent:.1f} s"
    return result


def fill_scene(photo: Path) -> None:
    """A photo and two further ones, a rigged head, a mesh with a UV map beside it, and a body."""
    clear()
    bpy.ops.likeness.load_photo("EXEC_DEFAULT", True, filepath=str(photo))
    properties = bpy.context.scene.likeness
    properties.rig = True
    properties.further.clear()
    part("operators.further_photos").add_further(properties, [bpy.data.images.new(name, 8, 8) for name in ("Left", "Right")])
    properties.further[0].use = properties.further[1].use = False
    with in_view():
        assert bpy.ops.likeness.reconstruct("EXEC_DEFAULT", True) == {"FINISHED"}  # a script's call blocks
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.1)
    bpy.context.object.name = "Retopo"
    part("scene.build").build_result(bpy.context, standing(part, sample_result(part, "Bo")))
    bpy.ops.ed.undo_push(message="prepared")


def prepare() -> dict[str, Path]:
    """The scene, and a set-up of the environment that takes as long as a job; jobs are counted from here on."""
    use_worker(SECONDS)
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    chosen = files()
    fill_scene(chosen["likeness.load_photo"])
    environment, job = part("worker.environment"), part("operators.job")

    def install(folder, online, wheels, progress, cancel):
        for number in range(20):
            progress("Installing", number / 20)
            time.sleep(SECONDS / 20)
        return environment.EnvironmentStatus(True, Path(sys.executable), size=1 << 20)

    environment.install = install
    bpy.context.preferences.addons[part("operators.environment").EXTENSION].preferences.wheels = str(OUT)
    original = job.JobOperator._begin

    def begin(self, context):
        begun.append((type(self).bl_idname, self.as_keywords()))
        return original(self, context)

    job.JobOperator._begin = begin
    return chosen


def select(item: bpy.types.Object) -> None:
    for other in bpy.context.view_layer.objects:
        other.select_set(other == item)
    bpy.context.view_layer.objects.active = item


def make_active(operator) -> bool:
    """Make something active for which the operator can run."""
    for name in [item.name for item in bpy.data.objects if item.type in {"MESH", "ARMATURE"}]:
        item = bpy.data.objects[name]
        if item.visible_get():
            select(item)
            with in_view():
                if operator.poll():
                    bpy.ops.ed.undo_push(message="select")
                    return True
    return False


def pins_begun():
    """The pins of the rigged head, of which one is selected."""
    assert make_active(bpy.ops.likeness.edit_pins)
    call("likeness.edit_pins", "INVOKE_DEFAULT", True)
    yield from idle()
    select(next(item for item in bpy.data.objects if "likeness_pin" in item))
    bpy.ops.ed.undo_push(message="pins")


def mask_begun():
    assert make_active(bpy.ops.likeness.paint_mask)
    call("likeness.paint_mask", "INVOKE_DEFAULT", True)
    yield from idle()
    assert bpy.context.mode == "PAINT_TEXTURE"
    bpy.ops.ed.undo_push(message="mask")


NEEDS = {f"likeness.{name}_pin{'' if name == 'add' else 's'}": pins_begun for name in ("add", "lock", "cancel", "apply")} | {
    f"likeness.{name}_mask": mask_begun for name in ("cancel", "apply")
}
"""What comes before the operators that go on with something begun."""


def tidy(photo: Path):
    """The scene as it was, after an operator that left something begun or removed what the next one needs."""
    for name in ("cancel_pins", "cancel_mask"):
        with in_view():
            if getattr(bpy.ops.likeness, name).poll():
                getattr(bpy.ops.likeness, name)("EXEC_DEFAULT", True)
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    view()[1].spaces.active.shading.type = "SOLID"
    if not (bpy.data.armatures and len(heads()) > 2 and len(bpy.context.scene.likeness.further) > 1 and "Retopo" in bpy.data.objects):
        fill_scene(photo)
    yield 0.3


def browser() -> bpy.types.Area | None:
    areas = [area for window in bpy.context.window_manager.windows for area in window.screen.areas]
    return next((area for area in areas if area.type == "FILE_BROWSER" and area.spaces.active.params), None)


def idle(limit: float = 60.0):
    job = part("operators.job")
    yield 0.2
    yield from until(lambda: job.current() is None and not bpy.app.timers.is_registered(job._begin_again), "idle", limit)
    yield 0.2


def confirm(chosen: Path | None):
    """End the file browser with a file, or a dialog with Return."""
    if chosen is not None:
        yield from until(browser, "the file browser is open", 20)
        yield 0.5
        area = browser()
        params = area.spaces.active.params
        say(f"  file browser: {params.directory!r} {params.display_type}")
        params.directory, params.filename = str(chosen.parent).encode(), chosen.name
        window = bpy.context.window_manager.windows[0]
        region = next(region for region in area.regions if region.type == "WINDOW")
        for offset in (0, 5):  # Blender closes the browser that the mouse is over
            window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=region.x + 100 + offset, y=region.y + 100)
            yield 0.3
        with bpy.context.temp_override(window=window, area=area, region=region):
            bpy.ops.file.execute("INVOKE_DEFAULT")
        yield from until(lambda: not browser(), "the file browser is closed", 20)
    else:
        yield 0.5
        yield from press("RET", move=False)


def one(cls: type, chosen: Path | None):
    job, name = part("operators.job"), cls.bl_idname
    module, _, function = name.partition(".")
    operator = getattr(getattr(bpy.ops, module), function)
    is_job = issubclass(cls, job.JobOperator)
    part("operators.failure").record(bpy.context, ValueError("for Copy Report"), "The walk", ())
    if name in NEEDS:
        yield from NEEDS[name]()
    elif not make_active(operator):  # Cancel, which needs a job
        call("likeness.reconstruct", "INVOKE_DEFAULT", True)
        yield 0.3
    before = len(begun)
    result = call(name, "INVOKE_DEFAULT", True)
    assert not {"REFUSED", "PASS_THROUGH"} & result, f"{name} cannot be run"
    asks = result == {"RUNNING_MODAL"} and job.current() is None
    assert chosen is None or asks, f"{name} opens no file browser"
    if asks:
        assert chosen or not hasattr(cls, "chosen"), f"{name} needs a file that this script does not know"
        yield from confirm(chosen)
        yield 0.3
        if name == "likeness.help":  # only to be read
            yield from press("ESC", move=False)
    assert not is_job or len(begun) == before + 1, f"{name} began {len(begun) - before} jobs"
    yield from idle()
    registered = bpy.context.window_manager.operators[-1] if bpy.context.window_manager.operators else None
    kept = registered is not None and registered.bl_idname == cls.__name__
    say(f"  kept for repetition: {kept}")
    adjusted = {}
    if kept and is_job and "smoothing" in registered.properties.bl_rna.properties:
        registered.properties.smoothing = 0.75
        adjusted = {"smoothing": 0.75}
    for action in ACTIONS:
        before = len(begun)
        with in_view():
            able = operator.poll()  # Blender asks before it undoes: what has removed its own object cannot be redone
        result = call(action, *(("INVOKE_DEFAULT",) if action == "screen.redo_last" else ()))
        if action == "screen.redo_last":  # F9: a popup
            yield 0.5
            yield from press("ESC", move=False)
        yield 0.3 + job.AGAIN
        if job.current() is None and name == "likeness.set_up_environment":
            yield from press("RET", move=False)  # it asks again
            yield 0.3
        yield from idle()
        again = len(begun) - before
        assert again <= 1, f"{action} began {again} jobs"
        if name in NEEDS:  # what ends something begun finds nothing to end when it is repeated
            continue
        if kept and able and not is_job and action == "ed.undo_redo" and "UNDO" in cls.bl_options:
            assert result in ({"FINISHED"}, {"REFUSED"}), f"{name} is not redone"
        if kept and able and is_job and action == "screen.repeat_last" and result != {"REFUSED"}:
            assert again == 1, f"{name} is not repeated by {action}"
            assert begun[-1][0] == name and adjusted.items() <= begun[-1][1].items(), begun[-1]


def gone(video: Path):
    """What is repeated cannot begin any more: a sentence, not a traceback."""
    video = video.rename(OUT / video.name)
    assert make_active(bpy.ops.likeness.animate_video)
    call("likeness.animate_video", "INVOKE_DEFAULT", True, filepath=str(video))
    yield from idle()
    video.unlink()
    call("screen.repeat_last")
    yield from idle()
    yield from picture("gone")
    yield from press("ESC", move=False)
    assert part("operators.job").current() is None


def steps():
    chosen = prepare()
    yield 1.0
    operators = [cls for cls in part("operators").CLASSES if issubclass(cls, bpy.types.Operator)]
    first = os.environ.get("LIKENESS_FIRST", operators[0].bl_idname)  # where an earlier walk has stopped
    for cls in operators[[cls.bl_idname for cls in operators].index(first) :]:
        say(cls.bl_idname)
        yield from tidy(chosen["likeness.load_photo"])
        yield from one(cls, chosen.get(cls.bl_idname))
    yield from tidy(chosen["likeness.load_photo"])
    yield from gone(chosen["likeness.animate_video"])
    assert heads() and view()


play(steps())
