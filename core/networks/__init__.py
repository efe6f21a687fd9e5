"""Networks, their inputs and their weights."""
