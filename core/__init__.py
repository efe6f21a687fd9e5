"""The product itself: no bpy, usable as a library, from the command line and by the worker.

`from likeness.core import Reconstructor, Settings, reconstruct_each` (docs/python.md). What needs torch is looked up on first use, because
Blender's process must not load it.
"""

from typing import TYPE_CHECKING, Any

from .settings import Settings

if TYPE_CHECKING:
    from .many import reconstruct_each
    from .pipeline import Reconstructor

__all__ = ["Reconstructor", "Settings", "reconstruct_each"]


def __getattr__(name: str) -> Any:
    if name == "Reconstructor":
        from .pipeline import Reconstructor

        return Reconstructor
    if name == "reconstruct_each":
        from .many import reconstruct_each

        return reconstruct_each
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
