"""Faces as stage ``blendshapes`` keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emo3d_exp.records import N_BLENDSHAPES

if TYPE_CHECKING:
    import pyarrow as pa


def face_row(
    number: int,
    blendshapes: list[float] | None = None,
    confidence: float | None = None,
    pose: tuple[float, float, float] | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """One face.

    Args:
        number: place of its picture, from 1.
        blendshapes: 52 scores in [0, 1]; None where no face was found, and then ``reason`` says why.
        confidence: of the detector, in [0, 1]; None where there was none.
        pose: yaw, pitch and roll in degrees; None where they are not known.
        reason: also a remark on a face that was found, such as other faces in the picture.
    """
    yaw, pitch, roll = pose or (None, None, None)
    return {
        "face_number": number,
        "blendshapes": blendshapes,
        "confidence": confidence,
        "yaw": yaw,
        "pitch": pitch,
        "roll": roll,
        "reason": reason,
    }


def faces_schema() -> pa.Schema:
    """Columns of stage ``blendshapes``."""
    import pyarrow as pa

    numbers = [(name, pa.float32()) for name in ("confidence", "yaw", "pitch", "roll")]
    scores = pa.list_(pa.float32(), N_BLENDSHAPES)
    face = pa.struct(
        [("face_number", pa.int64()), ("blendshapes", scores), *numbers, ("reason", pa.string())]
    )
    return pa.schema([("sample_id", pa.int64()), ("faces", pa.list_(face))])
