"""The way from a fit and a free-form surface to the rigged head."""

import numpy as np

from ..models.head import LEFT_EYE, RIGHT_EYE, HeadModel, HeadParameters
from .jaw import jaw_corrective
from .keys import KeyTransfer
from .neutral import Upright, neutralise
from .parts import clear_eyeballs, follow_parts, moved_joints
from .rigged import RiggedHead, upright_rotations
from .template import Template
from .uniformise import FreeForm, uniformise


def rig_head(model: HeadModel, parameters: HeadParameters, surface: FreeForm) -> RiggedHead:
    """The person of a free-form surface in the head model's topology.

    parameters: of the fit whose neck joint and rotation define the upright frame; surface: in that frame.
    """
    template = Template.of(model)
    skin = Upright(model, parameters).count
    registered = uniformise(template, Upright(model, parameters).posed, surface, model.code[:skin])
    neutral = neutralise(model, parameters, template, registered)
    rest, joints = model.rest(neutral.parameters.identity, np.zeros(len(model.expression)))
    rest, joints = rest - joints[1], joints - joints[1]
    joints[0] = 0
    change = neutral.vertices - rest[:skin]
    person_joints = moved_joints(model, joints, change)
    vertices = follow_parts(model, rest, change, person_joints - joints)
    vertices = clear_eyeballs(model, vertices, person_joints)
    keys = model.expression.copy()
    keys[:, :skin] = KeyTransfer(model, vertices[:skin]).offsets()
    for eye in (LEFT_EYE, RIGHT_EYE):
        keys[:, model.part == eye - 2] = model.expression[:, model.part == eye - 2]
    corrective, angle = jaw_corrective(model, vertices, person_joints, keys[model.expression_names.index("jawOpen")])
    return RiggedHead(
        neutral=vertices.astype(np.float32),
        faces=model.faces.astype(np.int32),
        face_part=model.face_part.astype(np.int32),
        uv=model.uv,
        faces_uv=model.faces_uv.astype(np.int32),
        code=model.code,
        joints=person_joints,
        parents=model.parents.astype(np.int32),
        weights=model.weights,
        keys=keys,
        key_names=model.expression_names,
        key_quality=np.ones(52, np.float32),
        key_notes=("",) * 52,
        key_values=neutral.parameters.expression.astype(np.float32),
        rotations=upright_rotations(parameters.rotations),
        correctives=corrective[None].astype(np.float32),
        corrective_angles=np.array([angle], np.float32),
    )
