"""Processor seconds of the rigged head and its stages, for a model-made person on a surface as dense as standard quality's.

python benchmarks/topology.py
"""

import cProfile
import pstats
import time

import numpy as np

from likeness.core.geometry.mesh import loop_subdivision, vertex_normals
from likeness.core.models.fit import ViewFit
from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.photo.view import Camera
from likeness.core.topology.register import ReconstructedSurface
from likeness.core.topology.rig import rig_head

_STAGES = ("refine_fit", "register", "unpose", "offsets", "faithfulness", "jaw_corrective")


def main() -> None:
    """The first time makes what is kept for every head of one model; the second is what a photo costs."""
    model = HeadModel.load()
    rng = np.random.default_rng(0)
    truth = model.posed(Parameters(rng.normal(0, 0.7, len(model.identity)), np.zeros(52), np.zeros((5, 3))))
    finer, faces = loop_subdivision(model.closed_mesh.faces, len(truth.closed_vertices))
    surface = (finer @ truth.closed_vertices).astype(np.float32)
    parameters = model.neutral()
    posed = model.posed(parameters)
    fit = ViewFit(
        parameters.identity, parameters.expression, parameters.rotations, posed.rotation, Camera((0, 0), 1.0, np.inf), 0.01,
        posed.vertices, posed.joints, posed.closed_vertices, posed.closed_normals,
    )  # fmt: skip
    for name in ("first", "second"):
        profile = cProfile.Profile(time.process_time)
        profile.runcall(rig_head, model, fit, ReconstructedSurface(surface, vertex_normals(surface, faces)))
        stats = pstats.Stats(profile).get_stats_profile()
        stages = ", ".join(f"{stage} {stats.func_profiles[stage].cumtime:.2f}" for stage in _STAGES)
        print(f"{name}: {stats.total_tt:.2f} s ({stages}); {len(surface):,} vertices")


if __name__ == "__main__":
    main()
