"""Steps that make the body model and what is known about poses and the pose detector."""
