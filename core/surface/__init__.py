"""From a signed-distance function to one closed mesh."""
