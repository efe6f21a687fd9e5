"""The product itself: no bpy, usable as a library, from the command line and by the worker.

`from likeness.core import Reconstructor, Settings`. Reconstructor is looked up on first use, because it needs torch, which Blender's
process must not load.
"""

from typing import TYPE_CHECKING, Any

from .settings import Settings

if TYPE_CHECKING:
    from .pipeline import Reconstructor

__all__ = ["Reconstructor", "Settings"]


def __getattr__(name: str) -> Any:
    if name == "Reconstructor":
        from .pipeline import Reconstructor

        return Reconstructor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
