"""Training samples of whole clothed people."""
