"""R-Eval: how far reconstructions are from the truth, as defined in docs/evaluation.md. Knows nothing of where truth comes from."""
