"""Stage ``blendshapes`` on real pixels."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.face_rows import face_row, faces_schema
from emo3d_exp.dataset_builder.image_shards import ImageReadingStage
from emo3d_exp.dataset_builder.landmarker_model import landmarker_model, model_hash
from emo3d_exp.dataset_builder.stage import Row
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import available_cores

if TYPE_CHECKING:
    import pyarrow as pa

    from emo3d_exp.dataset_builder.face_reading import FaceReader

NOT_FOUND = "no face found"
SEVERAL = ("refuse", "largest")


class FaceLandmarkerScores(ImageReadingStage):
    """What MediaPipe's FaceLandmarker reads from the pictures: 52 scores, the detector's confidence, the head
    pose. A face that is not found is recorded with the reason, and so is a picture of several faces.

    Args:
        model_path: ``face_landmarker.task``; None fetches the official one into the cache folder, and checks
            its SHA-256.
        several: what a picture with more than one face comes to: ``refuse`` (no scores, since nobody says
            whose emotion the text tells; ``reason`` is "2 faces") or ``largest`` (the largest face's scores,
            and ``reason`` says how many there were).
        max_faces: looked for in a picture, at least 2 where several are refused.
        min_confidence: of the detector, in [0, 1].
        processes: that read; None for one a core.
    """

    name = "blendshapes"
    shard_rows = 64

    def __init__(
        self,
        model_path: str | None = None,
        several: str = "refuse",
        max_faces: int = 4,
        min_confidence: float = 0.5,
        processes: int | None = None,
    ) -> None:
        if several not in SEVERAL:
            raise ConfigError(f"builder.blendshapes.several={several}: choose one of {', '.join(SEVERAL)}")
        least = 2 if several == "refuse" else 1
        if max_faces < least or not 0 <= min_confidence <= 1:
            raise ConfigError(
                f"builder.blendshapes: with several={several} max_faces={max_faces} must be at least "
                f"{least}, and min_confidence={min_confidence} lie in 0 … 1"
            )
        self.model_path, self.several = model_path, several
        self.max_faces, self.min_confidence = max_faces, min_confidence
        self.processes = processes or available_cores()

    def __getstate__(self) -> dict[str, Any]:
        # Every process opens a landmarker of its own.
        return {key: value for key, value in self.__dict__.items() if key != "_reader"}

    def check(self) -> None:
        self.parameters()
        landmarker_model(self.model_path)

    def parameters(self) -> dict[str, Any]:
        limits = {"max_faces": self.max_faces, "min_confidence": self.min_confidence}
        source = {"source": "mediapipe", "model": model_hash(self.model_path)}
        return {**source, "several": self.several, **limits}

    def schema(self) -> pa.Schema:
        return faces_schema()

    @cached_property
    def _reader(self) -> FaceReader:
        from emo3d_exp.dataset_builder.face_reading import FaceReader

        return FaceReader(landmarker_model(self.model_path), self.max_faces, self.min_confidence)

    def close(self) -> None:
        """Close the landmarker of this process, if it is open."""
        reader = self.__dict__.pop("_reader", None)
        if reader is not None:
            reader.close()

    def process(self, rows: list[Row]) -> list[Row]:
        return [
            {
                "sample_id": row["sample_id"],
                "faces": [self._face(place + 1, image) for place, image in enumerate(images)],
            }
            for row, images in self.with_column(rows, "images")
        ]

    def _face(self, number: int, image: dict[str, Any]) -> dict[str, Any]:
        import cv2
        import numpy as np

        if image["image"] is None:
            return face_row(number, reason=f"no image: {image['reason']}")
        pixels = cv2.imdecode(np.frombuffer(image["image"], np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            return face_row(number, reason="no image: cannot be decoded")
        found = self._reader.read(pixels[:, :, ::-1])
        if found is None:
            return face_row(number, reason=NOT_FOUND)
        if found.faces > 1 and self.several == "refuse":
            return face_row(number, reason=f"{found.faces} faces")
        remark = f"the largest of {found.faces} faces" if found.faces > 1 else None
        return face_row(number, found.blendshapes.tolist(), found.confidence, found.pose, remark)
