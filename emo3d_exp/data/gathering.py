"""Checked rows of a table, as a corpus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emo3d_exp.data.table import Row
from emo3d_exp.records import N_BLENDSHAPES, Corpus, ImageRef


def gather(name: str, rows: Sequence[Row], images: Sequence[ImageRef | None]) -> Corpus:
    """A corpus of rows in ascending order of sample ids.

    Args:
        images: of every face of every row, in order; None where there is no picture. A face with neither
            picture nor scores is left out.
    """
    texts = [(sample, *text) for sample, row in enumerate(rows) for text in row.texts]
    faces = [(sample, *face) for sample, row in enumerate(rows) for face in row.faces]
    kept = [i for i, face in enumerate(faces) if images[i] is not None or face[3] is not None]
    blendshapes = np.full((len(kept), N_BLENDSHAPES), np.nan, dtype=np.float32)
    for row, i in enumerate(kept):
        if faces[i][3] is not None:
            blendshapes[row] = faces[i][3]
    return Corpus(
        name=name,
        sample_id=np.array([row.sample_id for row in rows], dtype=np.int64),
        emotions=np.stack([row.emotions for row in rows]).astype(np.float32),
        published_split=np.array([row.split for row in rows], dtype=np.str_),
        text=tuple(" ".join(text.split()) for _, _, text in texts),
        text_sample=np.array([sample for sample, _, _ in texts], dtype=np.int64),
        text_number=np.array([number for _, number, _ in texts], dtype=np.int64),
        image=tuple(images[i] for i in kept),
        blendshapes=blendshapes,
        face_sample=np.array([faces[i][0] for i in kept], dtype=np.int64),
        face_number=np.array([faces[i][1] for i in kept], dtype=np.int64),
    )
