"""How often a turned or leaning photo is found upright: `python -m likeness.benchmarks.turning PHOTOS_FOLDER`, with upright portraits.

Every photo is shown as given, in the three other quarter turns, and leaning on a grey canvas. A photo is found upright when the tilt of
its largest face is within 30 degrees of how it was turned. Prints a Markdown table.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from ..core.photo.decode import read_photo
from ..core.photo.faces import MediaPipeDetector

LEANS = (-45, -30, -20, 20, 30, 45)
_FORMATS = {".jpg", ".jpeg", ".png", ".webp"}


def leaning(image: np.ndarray, degrees: int) -> np.ndarray:
    """The picture turned clockwise on a square canvas that holds all of it."""
    height, width = image.shape[:2]
    side = int(np.ceil(np.hypot(height, width)))
    warp = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    warp[:, 2] += [(side - width) / 2, (side - height) / 2]
    return cv2.warpAffine(image, warp, (side, side), borderValue=(128, 128, 128))


def turned(image: np.ndarray, degrees: int) -> np.ndarray:
    """The picture turned clockwise; by quarter turns without any canvas."""
    return np.ascontiguousarray(np.rot90(image, -degrees // 90)) if degrees % 90 == 0 else leaning(image, degrees)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    files = sorted(path for path in parser.parse_args().photos.iterdir() if path.suffix.lower() in _FORMATS)
    images = {file.name: read_photo(file).image for file in files}
    detector = MediaPipeDetector()
    print("| turned clockwise by | found upright | seconds a photo | not |\n|---|---|---|---|")
    for degrees in (0, 90, 180, 270, *LEANS):
        wrong, seconds = [], 0.0
        for name, image in images.items():
            picture = turned(image, degrees)
            begun = time.process_time()
            face = max(detector.detect(picture), key=lambda one: one.size, default=None)
            seconds += time.process_time() - begun
            if face is None or np.cos(face.tilt - np.radians(degrees)) < np.cos(np.radians(30)):
                wrong.append(name if face is not None else f"{name} (no face)")
        upright = f"{len(images) - len(wrong)} of {len(images)}"
        print(f"| {degrees}° | {upright} | {seconds / len(images):.2f} | {', '.join(wrong)} |", flush=True)


if __name__ == "__main__":
    main()
