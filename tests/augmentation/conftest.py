"""A corpus with several texts and faces a sample, without a picture or scores here and there."""

from __future__ import annotations

import numpy as np
import pytest

from emo3d_exp.records import Corpus, ImageRef


@pytest.fixture
def corpus() -> Corpus:
    """4 samples; 2 texts each but for the last, which has 1; 6 faces."""
    rng = np.random.default_rng(0)
    faces = rng.random((6, 52)).astype(np.float32)
    faces[4] = np.nan
    return Corpus(
        name="toy",
        sample_id=np.array([2, 3, 5, 9]),
        emotions=rng.random((4, 8)).astype(np.float32),
        published_split=np.array(["train"] * 4),
        text=(
            "Left brow up. She doubts it.", "a bright smile", "The right eye winks at us.", "a wink",
            "She fell. She cries.", "tears", "nothing at all",
        ),
        text_sample=np.array([0, 0, 1, 1, 2, 2, 3]),
        text_number=np.array([1, 2, 1, 2, 1, 2, 1]),
        image=tuple(None if i == 2 else ImageRef(f"/pictures/{i}.png", f"key {i}") for i in range(6)),
        blendshapes=faces,
        face_sample=np.array([0, 0, 1, 2, 2, 3]),
        face_number=np.array([1, 2, 1, 1, 2, 1]),
    )  # fmt: skip
