"""Points of a face that people have names for, among MediaPipe's 468 landmarks. Right and left are the person's."""

NAMED_LANDMARKS = {
    "Forehead": 10,
    "Chin": 152,
    "Temple.R": 127, "Temple.L": 356,
    "Cheek.R": 234, "Cheek.L": 454,
    "Jaw.R": 172, "Jaw.L": 397,
    "Brow Outer.R": 70, "Brow Outer.L": 300,
    "Brow Middle.R": 105, "Brow Middle.L": 334,
    "Brow Inner.R": 107, "Brow Inner.L": 336,
    "Eye Outer.R": 33, "Eye Outer.L": 263,
    "Eye Inner.R": 133, "Eye Inner.L": 362,
    "Upper Lid.R": 159, "Upper Lid.L": 386,
    "Lower Lid.R": 145, "Lower Lid.L": 374,
    "Nose Bridge": 168,
    "Nose Tip": 4,
    "Nose Base": 2,
    "Nostril.R": 129, "Nostril.L": 358,
    "Mouth Corner.R": 61, "Mouth Corner.L": 291,
    "Upper Lip": 0, "Lower Lip": 17,
    "Upper Lip Inner": 13, "Lower Lip Inner": 14,
}  # fmt: skip
"""Name -> MediaPipe's number."""
