"""Run a module of this package under the name `likeness`, whatever the folder is called and wherever it lies.

    python -I launch.py MODULE [ARGUMENT...]
    blender --background --python launch.py -- MODULE [ARGUMENT...]

The folder's parent never enters `sys.path` (in Blender it holds other people's extensions); the extension's own `__init__.py` does not run.
"""

import importlib.machinery
import importlib.util
import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    # Threads that wait must sleep: spinning ones made reconstructions three times as slow beside another busy program. torch reads it once.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    spec = importlib.machinery.ModuleSpec("likeness", None, is_package=True)
    spec.submodule_search_locations = [str(Path(__file__).absolute().parent.parent)]
    sys.modules["likeness"] = importlib.util.module_from_spec(spec)
    sys.argv = sys.argv[sys.argv.index("--") + 1 if "--" in sys.argv else 1 :]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # before the module could see to it
        sys.exit(130)
