"""Synthetic people as closed solids with appearance: bodies, hair, clothes, skins."""
