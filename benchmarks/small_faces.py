"""How small a face is found in a large picture: `python -m likeness.benchmarks.small_faces [PORTRAIT]`.

The portrait, scikit-image's astronaut if none is given, is shrunk until its face has a given size, and pasted at nine places into pictures
of 12 and 24 megapixels of made-up scenery: smooth noise from 8 to 1,024 pixels wide. A face is found when the largest one lies on it and is
as large within a fifth. Prints a Markdown table; seconds are of processor time for one picture, its first look alone in brackets.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from ..core.photo.decode import read_photo
from ..core.photo.faces import Face, MediaPipeDetector

PICTURES = ((4000, 3000), (6000, 4000))
SIZES = (96, 128, 160, 200)
PLACES = (0.0, 0.5, 1.0)
_GRAINS = {8: 8, 32: 12, 128: 25, 1024: 35}  # width in pixels -> strength


def scenery(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """A picture (height, width, 3) uint8 without any people."""
    picture = np.full((height, width, 3), 120, np.float32)
    for grain, strength in _GRAINS.items():
        noise = rng.normal(0, strength, (height // grain + 2, width // grain + 2, 3)).astype(np.float32)
        picture += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def pasted(picture: np.ndarray, portrait: np.ndarray, across: float, down: float) -> tuple[np.ndarray, np.ndarray]:
    """A copy of the picture with the portrait at a share of the free room, and where its corner lies (2,)."""
    left, top = (round(share * (picture.shape[axis] - portrait.shape[axis])) for share, axis in ((across, 1), (down, 0)))
    copy = picture.copy()
    copy[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait
    return copy, np.array([left, top])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("portrait", type=Path, nargs="?")
    arguments = parser.parse_args()
    portrait = read_photo(arguments.portrait).image if arguments.portrait else _astronaut()
    detector = MediaPipeDetector()
    face = max(detector.detect(portrait), key=lambda one: one.size)
    print("| picture | no face | " + " | ".join(f"{size} px" for size in SIZES) + " |\n" + "|---" * (len(SIZES) + 2) + "|")
    for width, height in PICTURES:
        empty = scenery(width, height, np.random.default_rng(0))
        cells = []
        faces, seconds = _timed(detector, empty)
        cells.append(f"{len(faces)} seen, {seconds:.2f} s")
        for size in SIZES:
            scale = size / face.size
            small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
            hits, times = 0, []
            for across in PLACES:
                for down in PLACES:
                    picture, corner = pasted(empty, small, across, down)
                    faces, seconds = _timed(detector, picture)
                    times.append(seconds)
                    hits += _on(max(faces, key=lambda one: one.size, default=None), face.mesh[:, :2] * scale + corner)
            cells.append(f"{hits} of {len(times)}, {np.mean(times):.2f} s")
        print(f"| {width} × {height} | " + " | ".join(cells) + " |", flush=True)


def _timed(detector: MediaPipeDetector, picture: np.ndarray) -> tuple[list[Face], float]:
    begun = time.process_time()
    return detector.detect(picture), time.process_time() - begun


def _on(found: Face | None, landmarks: np.ndarray) -> bool:
    """Whether a face lies where landmarks (468, 2) are: no landmark further off than a tenth of the face on the mean."""
    if found is None:
        return False
    return bool(np.linalg.norm(found.mesh[:, :2] - landmarks, axis=1).mean() < 0.1 * np.ptp(landmarks, axis=0).max())


def _astronaut() -> np.ndarray:
    from skimage.data import astronaut

    return astronaut()


if __name__ == "__main__":
    main()
