"""`likeness batch`: thousands of photos, resumed where a run ended, on as many workers as the machine bears."""
