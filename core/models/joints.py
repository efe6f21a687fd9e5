"""The head's joints, in FLAME's order: of the head model, of rigged heads and of FLAME."""

JOINT_NAMES = ("global", "neck", "jaw", "eye.L", "eye.R")
"""Also the names of the bones in Blender. The global joint lies at the neck's place and turns the whole."""
GLOBAL, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(len(JOINT_NAMES))
