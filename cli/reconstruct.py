"""`likeness reconstruct`: heads and bodies from photos, each on its own, so that a bad photo costs the others nothing; or all together."""

import argparse
import contextlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from ..core.errors import Cancelled, InputError, LikenessError, NoFaceError, NoSubjectError, ReconstructionError
from ..core.photo.files import KINDS
from ..core.settings import MAX_PEOPLE
from .checks import check_exists, check_photo
from .console import Console
from .failures import failed
from .head import HeadPlan, Processes
from .names import distinct_names, safe_name
from .options import add_command, add_head_options
from .output import Inputs, writing
from .staging import FolderInUse, Staging, made

log = logging.getLogger(__name__)


def add_reconstruct(commands: Any) -> None:
    """Add the sub-command to an argparse parser's commands."""
    command = add_command(commands, "reconstruct", "make heads and bodies from photos")
    command.add_argument("photos", metavar="PHOTO", nargs="*", type=Path, help=KINDS)
    command.add_argument("--together", action="store_true", help="all photos show the same person, the first best: make one result of them")
    command.add_argument(
        "--frames",
        metavar="VIDEO",
        type=Path,
        help="in place of photos a video in which one person turns: make one result of its best frames",
    )
    command.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="folder for the files; of several photos or people each gets one inside"
    )
    add_head_options(command)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace, console: Console) -> int:
    plan = HeadPlan.of(options)
    if options.frames is not None:
        return _from_video(plan, options, console)
    if not options.photos:
        raise InputError("No photo was given; give photos, or a video with --frames.")
    if options.together and plan.settings.all_subjects:
        raise InputError("With --together all photos show one person; leave --all-subjects out.")
    several = len(options.photos) > 1 and not options.together
    if (several or plan.settings.all_subjects) and options.report.parent != Path():
        what = "photos" if several else "people"
        raise InputError(f"One report cannot serve several {what}; give --report a bare name instead of {options.report}.")
    with ExitStack() as stack:
        if several:
            stack.enter_context(_usable(options.output))
        inputs = plan.inputs(*options.photos)
        worst, jobs = _usable_photos(plan, options, inputs, console)
        if options.together and worst:  # a photo too few changes the result
            return worst
        if not jobs:
            return worst
        processes = stack.enter_context(closing(Processes(plan.blender)))
        for photos, folder in jobs:
            photo = photos[0]
            console.photo = f"{photo.name}: " if several else ""
            for one, place in _people(plan, folder):
                name = safe_name(photo.stem)
                try:
                    with one.claim(place, name, inputs) as outputs:
                        report = one.make_and_tell(processes, photos, outputs, name, console)
                except Cancelled:
                    raise
                except NoSubjectError as error:
                    if not plan.settings.all_subjects or one.settings.subject_index == 0:
                        worst = max(worst, failed(error, photo.name, console, options.output, one.settings.to_dict(), processes.client.log))
                    break
                except Exception as error:  # noqa: BLE001 - told, and the other people and photos go on
                    worst = max(worst, failed(error, photo.name, console, options.output, one.settings.to_dict(), processes.client.log))
                    if not isinstance(error, NoFaceError | ReconstructionError):  # no fault of one person's
                        break
                else:
                    if one.settings.subject_index + 1 == report.get("subject", {}).get("people"):
                        break
                log.info("The worker's log:\n%s", processes.client.log)
    return worst


def _from_video(plan: HeadPlan, options: argparse.Namespace, console: Console) -> int:
    """One result from the frames of a video that show a person from many sides."""
    if options.photos:
        raise InputError("--frames takes the place of photos; give either a video or photos.")
    if plan.settings.all_subjects:
        raise InputError("With --frames all pictures show one person; leave --all-subjects out.")
    check_exists(options.frames)
    name = safe_name(options.frames.stem)
    with ExitStack() as stack:
        outputs = stack.enter_context(plan.claim(options.output, name, plan.inputs(options.frames)))
        processes = stack.enter_context(closing(Processes(plan.blender)))
        try:
            photos = _written_frames(options.frames, processes, outputs.scratch, console)
            plan.make_and_tell(processes, photos, outputs, name, console)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - told by `failed`
            return failed(error, options.frames.name, console, options.output, plan.settings.to_dict(), processes.client.log)
    return 0


def _written_frames(source: Path, processes: Processes, folder: Path, console: Console) -> list[Path]:
    """The chosen frames of a video as PNG files in `folder`, the main one first. Raises LikenessError."""
    from PIL import Image

    from ..core.animation.video_frames import MOST_FRAMES, VideoFrames

    processes.client.choose_frames(source, MOST_FRAMES, folder / "frames.npz")
    frames = VideoFrames.load(processes.client.wait(console.progress))
    if frames.note:
        console.sentence(frames.note)
    paths = [folder / f"{name}.png" for name in frames.names]
    with writing(folder):
        for path, picture in zip(paths, frames.pictures, strict=True):
            Image.fromarray(picture).save(path)
    return paths


def _people(plan: HeadPlan, folder: Path) -> Iterator[tuple[HeadPlan, Path]]:
    """The plan of each result of a photo and the folder of its files; nobody knows beforehand how many people the photo shows."""
    if not plan.settings.all_subjects:
        yield plan, folder
        return
    for person in range(MAX_PEOPLE):
        yield plan.of_person(person), folder / f"person-{person}"


def _usable_photos(
    plan: HeadPlan, options: argparse.Namespace, inputs: Inputs, console: Console
) -> tuple[int, list[tuple[Sequence[Path], Path]]]:
    """The photos of each result that can be made, with the folder of its files; every other gets its sentence, and the worst exit code
    comes first."""
    worst, usable = 0, []
    groups = [options.photos] if options.together else [[photo] for photo in options.photos]
    for photos, folder in zip(groups, _folders(options.output, [photos[0] for photos in groups]), strict=True):
        try:
            for photo in photos:
                check_photo(photo)
            _, place = next(_people(plan, folder))
            plan.claim(place, safe_name(photos[0].stem), inputs).close()  # held only in its turn: a system opens some hundred files at once
            usable.append((photos, folder))
        except LikenessError as error:
            console.sentence(error)
            worst = max(worst, error.exit_code)
    return worst, usable


def _folders(output: Path, photos: Sequence[Path]) -> list[Path]:
    """Where the files of each result go: the output folder itself for one result, else sub-folders named after its photo."""
    if len(photos) == 1:
        return [output]
    return [output / name for name in distinct_names(photo.stem for photo in photos)]


@contextlib.contextmanager
def _usable(output: Path) -> Iterator[None]:
    """The folder of the sub-folders: made when missing, rid of what a killed run left. Raises InputError, once for all photos."""
    with ExitStack() as stack:
        with writing(output):
            stack.enter_context(made(output))
            with contextlib.suppress(FolderInUse):  # by a run for one photo, which has files of its own
                Staging(output).close()
        yield
