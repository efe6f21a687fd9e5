"""Makes the rigged head from a fit and a reconstructed surface."""

import numpy as np

from ..models.fit import ViewFit
from ..models.head import HeadModel
from ..models.joints import GLOBAL, NECK
from ..models.parametric import Parameters
from ..models.rotation import rotation_matrix, rotation_vector
from .blendshapes import BlendshapeTransfer, graded
from .eyes_teeth import clear_eyeballs, follow_parts, moved_joints, settle_tongue
from .jaw import jaw_corrective
from .lips import close_lips
from .refine_fit import PlacedHead, refine_fit
from .register import ReconstructedSurface, register
from .rigged import RiggedHead, upright_rotations
from .template import Template
from .unpose import unpose


def rig_head(model: HeadModel, fit: ViewFit, surface: ReconstructedSurface, drop: float = 0.0) -> RiggedHead:
    """The person of a reconstructed surface in the head model's topology, in the upright frame that the fit gives the surface.

    fit: to the photo; surface: in the camera frame; drop: metres that the teeth lie lower than the model's (teeth_drop).
    The surface shows another size, pose and neck joint than the landmarks do, but not surer ones. So the surface's frame stays as it is,
    and these go into the rigged head's own size, root joint and place.
    """
    fitted = PlacedHead(model, Parameters(fit.identity, fit.expression, fit.rotations), fit.joints[NECK])
    head = refine_fit(fitted, surface)
    count = head.count
    registered = register(Template.of(model), head.posed(), surface, model.correspondence[:count])
    registered = close_lips(model, fitted.posed(), registered, surface.vertices)
    skin = unpose(head, registered)
    rest, joints = model.rest(head.parameters.identity, np.zeros(len(model.expression)))
    rest, joints = rest - joints[NECK], joints - joints[NECK]
    joints[GLOBAL] = 0
    change = skin - rest[:count]
    person_joints = moved_joints(model, joints, change)
    vertices = follow_parts(model, rest, change, person_joints - joints, drop / head.scale)
    vertices = clear_eyeballs(model, vertices, person_joints)
    keys = model.expression.copy()
    transfer = BlendshapeTransfer(model, vertices[:count])
    keys[:, :count] = offsets = transfer.offsets()
    quality, notes = graded(model.expression_names, transfer.faithfulness(offsets))
    jaw_open = model.expression_names.index("jawOpen")
    keys[jaw_open] = settle_tongue(model, vertices, keys[jaw_open])
    corrective, angle = jaw_corrective(model, vertices, person_joints, keys[jaw_open])
    rotations = upright_rotations(head.parameters.rotations)
    root = fit.rotation.T @ head.rotation @ rotation_matrix(rotations[GLOBAL])
    rotations[GLOBAL] = rotation_vector(root)
    # The root joint turns about the frame's origin.
    place = root.T @ fit.rotation.T @ (head.neck - fit.joints[NECK])
    joints = head.scale * person_joints + place
    joints[GLOBAL] = 0
    return RiggedHead(
        neutral=(head.scale * vertices + place).astype(np.float32),
        faces=model.faces.astype(np.int32),
        face_part=model.face_part.astype(np.int32),
        split=1,
        uv=model.uv,
        faces_uv=model.faces_uv.astype(np.int32),
        correspondence=model.correspondence,
        joints=joints.astype(np.float32),
        parents=model.skeleton.parents.astype(np.int32),
        weights=model.weights,
        keys=(head.scale * keys).astype(np.float32),
        key_names=model.expression_names,
        key_quality=quality,
        key_notes=notes,
        key_values=head.parameters.expression.astype(np.float32),
        rotations=rotations,
        correctives=(head.scale * corrective[None]).astype(np.float32),
        corrective_angles=np.array([angle], np.float32),
    )
