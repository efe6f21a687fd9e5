"""The rigged head of a run: made from a fit and its surface, in the topology of a user's FLAME file too, and textured."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from .colour.bake import in_crop
from .colour.head import PARSING_SIZE, Anatomy, bake_head
from .geometry.visibility import sample_picture
from .models.fit import ViewFit
from .models.flame.model import FlameModel
from .models.head import HeadModel
from .models.teeth import teeth_drop
from .photo.framing import Framing
from .photo.parsing import CLASSES, OVER_SKIN
from .photo.view import View
from .progress import Clock
from .result import HAIR, Mesh, Result
from .settings import Settings
from .topology.flame import FlameFit, fit_flame
from .topology.hair import hair_shell
from .topology.levels import at_level, on_cut
from .topology.neutral import neutral_mesh, symmetric_mesh
from .topology.register import ReconstructedSurface
from .topology.rig import rig_head
from .topology.rig_metrics import rig_metrics
from .topology.rigged import RiggedHead


@dataclass(frozen=True)
class Rigging:
    """The rigged head in our topology, and in FLAME's if there is such a model."""

    model: HeadModel
    head: RiggedHead
    flame: FlameFit | None
    framing: Framing
    parsing: np.ndarray | None  # shares (H, W, len(CLASSES)) over the framing's crop

    @classmethod
    def of(
        cls,
        model: HeadModel,
        fit: ViewFit,
        framing: Framing,
        surface: ReconstructedSurface,
        view: View,
        flame_model: FlameModel | None,
        clock: Clock,
    ) -> Self:
        """From a fit to a view and the surface that came out of it, camera frame. What parsing says hides the skin, shapes and paints
        nothing. Raises Cancelled."""
        with clock.stage("rig"):
            shares = None
            if view.parsing is not None:
                shares = view.parsing.crop(framing.crop_box(fit.camera), PARSING_SIZE)
                # Glasses stand off the face, but stay in its texture.
                worn = shares[..., [CLASSES.index(name) for name in (*OVER_SKIN, "glasses")]].sum(-1)
                over = sample_picture(worn, framing.to_crop(surface.vertices, fit.camera))
                surface = replace(surface, covered=over)
            head = rig_head(model, fit, surface, teeth_drop(model, fit, view))
        if flame_model is None:
            return cls(model, head, None, framing, shares)
        with clock.stage("flame"):
            return cls(model, head, fit_flame(flame_model, head), framing, shares)

    def textured(self, result: Result, settings: Settings, clock: Clock) -> tuple[Result, dict[str, Any]]:
        """The result with the textured head, FLAME's if there is one, what the settings want of the surface at rest, and what the report
        says of it. Raises Cancelled."""
        anatomy = Anatomy.of(self.model)
        if self.flame is None:
            head, places = on_cut(self.head, settings.cut)
            anatomy = anatomy.carried(places.corners, places.shares)
        else:
            head, anatomy = self.flame.head, anatomy.carried(self.flame.corners, self.flame.barycentric)
        with clock.stage("texture") as share:
            head = bake_head(head, result, anatomy, settings.texels, share, self.parsing, self.framing)
            if self.flame is None:
                head = at_level(head, settings.rig_detail, settings.cut)
            figures = {"vertices": len(head.neutral), "faces": len(head.faces), "texture": settings.texels}
            figures |= rig_metrics(self.model, self.head, result.surface.vertices, result.surface.faces)
        result = replace(result, meshes=result.meshes | self._meshes(result, settings))
        about = {"rig": figures} if self.flame is None else {"rig": figures, "flame": self.flame.to_dict()}
        return replace(result, rigged=head), about

    def _meshes(self, result: Result, settings: Settings) -> dict[str, Mesh]:
        """What the settings want of the surface in the rigged head's neutral pose."""
        meshes, surface = {}, result.surface
        if settings.neutral != "off":
            rest = neutral_mesh(self.head, surface)
            meshes[settings.neutral] = rest if settings.neutral == "neutral" else symmetric_mesh(rest)
        if settings.hair and self.parsing is not None:
            places = in_crop(result.views[0], self.framing, surface.vertices)
            shell = hair_shell(self.head, surface, sample_picture(self.parsing[..., CLASSES.index("hair")], places))
            meshes |= {} if shell is None else {HAIR: shell}
        return meshes
