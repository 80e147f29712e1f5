"""The rig as glTF: its 51 targets, weights set, and for movements an animation of the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.exporters.movement import frames, without_repeats
from emo3d_exp.exporters.request import ExportRequest

if TYPE_CHECKING:
    from emo3d_exp.faces import Rig
    from emo3d_exp.faces.gltf import HeadLike, RigDocument


def gltf(request: ExportRequest) -> bytes:
    """A .glb whose mesh shows the face: targets in float32 as in the rig, weights as the rig poses it."""
    return _bytes(_posed_rig(request), request.captions)


def gltf_animation(request: ExportRequest) -> bytes:
    """A .glb that moves from neutral through all faces and back, to be played in a loop.

    The weights of each frame are the rig's own for the scores at that time (so that lids stay shut in a blink
    on the way too), with straight lines between frames. Without animation a viewer shows the first face.
    """
    times, poses = frames(request)
    times, weights = without_repeats(times, request.needed_rig().weights(poses))
    composed = _posed_rig(request)
    _animate(composed, times, weights)
    return _bytes(composed, request.captions)


def gltf_posed(request: ExportRequest) -> bytes:
    """A .glb of the posed mesh alone, a tenth in size, for viewers that know no morph targets."""
    from emo3d_exp.faces.gltf import compose_gltf

    rig = request.needed_rig()
    posed = rig.vertices(request.blendshapes)[0]
    still = _head(rig, posed, request.colors(), np.zeros((0, *posed.shape), np.float32), {})
    composed = compose_gltf(still, exact=True)
    mesh = composed.document.meshes[0]
    mesh.weights, mesh.extras, mesh.primitives[0].targets = [], {}, []
    return _bytes(composed, request.captions)


def _head(rig: Rig, neutral: np.ndarray, colors: np.ndarray, deltas: np.ndarray, masks: Mapping) -> HeadLike:
    """What is written of a rig."""
    return SimpleNamespace(
        neutral=neutral, faces=rig.faces, colors=colors, deltas=deltas, part=rig.part, masks=masks
    )


def _posed_rig(request: ExportRequest) -> RigDocument:
    from emo3d_exp.faces.gltf import compose_gltf

    rig = request.needed_rig()
    head = _head(rig, rig.neutral, request.colors(), rig.deltas, rig.masks)
    return compose_gltf(head, exact=True, weights=request.weights()[0])


def _animate(composed: RigDocument, times: np.ndarray, weights: np.ndarray) -> None:
    """Add an animation of the head's weights: times (F,) in seconds, weights (F, 51)."""
    import pygltflib as gl

    sampler = gl.AnimationSampler(
        input=composed.writer.dense(times.astype("<f4")),
        output=composed.writer.dense(weights.astype("<f4").reshape(-1)),
        interpolation=gl.ANIM_LINEAR,
    )
    channel = gl.AnimationChannel(sampler=0, target=gl.AnimationChannelTarget(node=0, path="weights"))
    composed.document.animations = [gl.Animation(name="expressions", samplers=[sampler], channels=[channel])]


def _bytes(composed: RigDocument, captions: Sequence[str]) -> bytes:
    composed.writer.finish()
    if captions:
        composed.document.scenes[0].extras = {"texts": list(captions)}
    return b"".join(composed.document.save_to_bytes())
