"""Synthetic pictures: our own renderer draws faces that the FACS prior gives to the emotions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.dataset_builder.image_shards import ImageReadingStage
from emo3d_exp.dataset_builder.image_stage import ImageStage, Picture, check_faces, text_of_face
from emo3d_exp.dataset_builder.stage import Row, sample_rng
from emo3d_exp.records import N_BLENDSHAPES
from emo3d_exp.runs import available_cores

if TYPE_CHECKING:
    import pyarrow as pa

    from emo3d_exp.faces import FACSPrior, Look, Renderer

DRAWN = "drawn"
"""Column beside the pictures: the blendshapes that were drawn, one vector a picture."""


class RenderedImages(ImageStage):
    """Draws each sample's emotions on random people, as data=mini does; needs no network.

    Args:
        faces: pictures a sample, 1 … 4, each of another person.
        size: pixels, square. jpeg_quality: 1 … 100.
        rig: head that is drawn: ``builtin``, ``ict_facekit``, or a .glb file.
        rig_path: of a rig that needs one.
        variation: of faces of the same emotions, from 0; see :class:`emo3d_exp.faces.FACSPrior`.
        seed: of faces and people. processes: that draw; None for one a core.
    """

    def __init__(
        self,
        faces: int = 1,
        size: int = 256,
        jpeg_quality: int = 95,
        rig: str = "builtin",
        rig_path: str | None = None,
        variation: float = 0.5,
        seed: int = 0,
        processes: int | None = None,
    ) -> None:
        self.faces, self.size, self.jpeg_quality = check_faces(faces), size, jpeg_quality
        self.rig, self.rig_path, self.variation, self.seed = rig, rig_path, variation, seed
        self.processes = processes or available_cores()

    def __getstate__(self) -> dict[str, Any]:
        # Every process builds a renderer of its own.
        return {key: value for key, value in self.__dict__.items() if key not in ("_renderer", "_prior")}

    def parameters(self) -> dict[str, Any]:
        keys = ("faces", "size", "jpeg_quality", "rig", "rig_path", "variation", "seed")
        return {"source": "rendered", **{key: getattr(self, key) for key in keys}}

    def schema(self) -> pa.Schema:
        import pyarrow as pa

        return super().schema().append(pa.field(DRAWN, pa.list_(pa.list_(pa.float32(), N_BLENDSHAPES))))

    @cached_property
    def _renderer(self) -> Renderer:
        from emo3d_exp.faces import Renderer, load_rig

        return Renderer(load_rig(self.rig, self.rig_path), size=self.size, workers=1)

    @cached_property
    def _prior(self) -> FACSPrior:
        from emo3d_exp.faces import FACSPrior

        return FACSPrior(self.variation)

    def pictures(self, row: Row) -> Iterator[Picture]:
        import cv2

        quality = [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality]
        for face in range(self.faces):
            pixels = self._renderer.render(self.drawn(row, face), self._look(row, face))[0]
            encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], quality)[1].tobytes()
            yield Picture(text_of_face(row, face), encoded)

    def process(self, rows: list[Row]) -> list[Row]:
        drawn = ([self.drawn(row, face).tolist() for face in range(self.faces)] for row in rows)
        return [{**made, DRAWN: shown} for made, shown in zip(super().process(rows), drawn, strict=True)]

    def drawn(self, row: Row, face: int) -> np.ndarray:
        """Blendshapes ``(52,)`` float32 of a sample's ``face``-th picture, from 0."""
        rng = sample_rng(self.seed, row["sample_id"], f"face {face}")
        return self._prior.sample(np.array(row["emotions"])[None], rng)[0]

    def _look(self, row: Row, face: int) -> Look:
        from emo3d_exp.faces import AGES, GENDERS, random_look

        age = row["age"] if row["age"] in AGES else None
        gender = row["gender"] if row["gender"] in GENDERS else None
        return random_look(sample_rng(self.seed, row["sample_id"], f"person {face}"), age, gender)


class PriorBlendshapes(ImageReadingStage):
    """The blendshapes that :class:`RenderedImages` has drawn, not read back from the pictures."""

    name = "blendshapes"
    shard_rows = 128

    def parameters(self) -> dict[str, Any]:
        return {"source": "drawn"}

    def schema(self) -> pa.Schema:
        from emo3d_exp.dataset_builder.face_rows import faces_schema

        return faces_schema()

    def process(self, rows: list[Row]) -> list[Row]:
        from emo3d_exp.dataset_builder.face_rows import face_row

        return [
            {
                "sample_id": row["sample_id"],
                "faces": [face_row(number + 1, blendshapes=face) for number, face in enumerate(drawn)],
            }
            for row, drawn in self.with_column(rows, DRAWN)
        ]
