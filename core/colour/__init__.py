"""From photo and network to a colour for every vertex."""
