import sys
from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.records import Corpus

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def cache_in_tmp(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("EMO3D_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def corpus() -> Corpus:
    """12 samples: two texts each (of sample 3 twice the same), 0, 1 or 2 faces, one face without scores."""
    rng = np.random.default_rng(0)
    emotions = np.zeros((12, 8), dtype=np.float32)
    emotions[np.arange(12), np.arange(12) % 4] = rng.uniform(0.3, 1, 12)
    words = rng.permutation(200)
    text = [" ".join(f"w{w}" for w in words[6 * i : 6 * i + 6]) for i in range(24)]
    text[7] = text[6]
    face_sample = np.repeat(np.arange(12), [i % 3 for i in range(12)])
    blendshapes = rng.uniform(0, 1, (len(face_sample), 52)).astype(np.float32)
    blendshapes[2] = np.nan
    return Corpus(
        name="small",
        sample_id=np.arange(12, dtype=np.int64) * 10 + 5,
        emotions=emotions,
        published_split=np.array(["train"] * 8 + ["val"] * 2 + ["test"] * 2),
        text=tuple(text),
        text_sample=np.repeat(np.arange(12), 2),
        text_number=np.tile([1, 2], 12),
        image=(None,) * len(face_sample),
        blendshapes=blendshapes,
        face_sample=face_sample,
        face_number=np.array([np.sum(face_sample[:i] == s) + 1 for i, s in enumerate(face_sample)]),
    )
