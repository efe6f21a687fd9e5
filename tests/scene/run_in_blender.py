"""Runs these tests inside a real Blender whose Python has pytest.

BLENDER_USER_RESOURCES=EMPTY_FOLDER blender --background --factory-startup --python tests/scene/run_in_blender.py -- [PYTEST ARGUMENT...]
"""

import os
import sys
from pathlib import Path

import pytest

arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
code = pytest.main(["-q", "-p", "no:cacheprovider", str(Path(__file__).parent), *arguments])
sys.stdout.flush()
os._exit(int(code))  # `blender --background` would end with 0
