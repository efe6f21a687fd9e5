"""Makes the sets that `evaluation` measures on: synthetic people and scans that nothing is trained on."""
