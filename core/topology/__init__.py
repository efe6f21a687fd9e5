"""One fixed topology for every person: the head model carried to the reconstructed surface, with a rig and ARKit shape keys."""
