"""How far age has folded a face: what readers saw on photographs, and the map that reads it from a network's features."""
