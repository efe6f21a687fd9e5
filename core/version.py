"""The version of the product; blender_manifest.toml and pyproject.toml carry the same, which a test checks."""

VERSION = "0.2.0"
