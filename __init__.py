"""Likeness: one photo of a person in, a coloured 3D head or clothed body out. This folder is extension and `likeness` package.

Importing this imports nothing else: the worker, the command line and the tests run where there is no bpy, Blender where there is no torch.
"""

_commands: list = []


def register() -> None:
    """Called by Blender when the extension is enabled."""
    import bpy

    from . import operators, panels

    for cls in (*panels.CLASSES, *operators.CLASSES):
        bpy.utils.register_class(cls)
    bpy.types.Scene.likeness = bpy.props.PointerProperty(type=panels.LIKENESS_PG_reconstruction)
    operators.pins_live.watch()
    _commands.append(bpy.utils.register_cli_command("likeness", operators.command.run))


def unregister() -> None:
    """Called by Blender when the extension is disabled or when Blender ends; a running job and the worker end too."""
    import bpy

    from . import operators, panels
    from .worker.client import close_shared

    operators.job.close_all()
    operators.pins_live.unwatch()
    operators.photo_job.forget_photo()
    operators.thumbnails.forget()
    close_shared()
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    del bpy.types.Scene.likeness
    for cls in reversed((*panels.CLASSES, *operators.CLASSES)):
        bpy.utils.unregister_class(cls)
