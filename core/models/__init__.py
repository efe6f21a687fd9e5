"""Head model, its fit to a photo, and the prior maps and volumes made from a fit."""
