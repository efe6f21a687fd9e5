"""Training of the normal network: drawn people without points in space, the fits that they get, and strong photographic variety."""
