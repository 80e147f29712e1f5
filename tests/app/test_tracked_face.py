"""The face in 3D that a tracker with room for pictures is given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from emo3d_exp.app.scoring import track
from emo3d_exp.faces import Renderer, load_rig
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.tracking import NoTracker


class Showing(NoTracker):
    """Has room for the second and third prompt, and keeps what it is given."""

    def rows(self, count: int) -> np.ndarray:
        return np.array([1, 2])

    def report(self, evaluation_folder: Path, samples: object = None, face: Path | None = None) -> None:
        self.samples, self.face = samples, face


def test_the_first_face_shown_is_written_as_a_mesh(tmp_path: Path) -> None:
    import pygltflib as gl

    rig, answers = load_rig(), np.random.default_rng(0).random((3, 52)).astype(np.float32) / 3
    ids, ones = np.arange(3), np.ones(3, np.int64)
    evaluation = SimpleNamespace(
        metrics={"mse": 0.1},
        prompts=Prompts(ids, ones, ("a", "b", "c"), np.full((3, 8), 0.1, np.float32), answers),
        predictions=Predictions(ids, ones, answers),
        per_sample=pd.DataFrame({"mse": [0.1, 0.2, 0.3], "emo3d": [0.5, 0.6, 0.7]}),
    )
    tracker = Showing()
    track(tracker, evaluation, SimpleNamespace(rig=rig, renderer=Renderer(rig, size=32)), "test", tmp_path)
    assert tracker.face == tmp_path / "face_3d.glb" and tracker.samples.text == ("b", "c")
    document = gl.GLTF2().load(str(tracker.face))
    bounds = document.accessors[document.meshes[0].primitives[0].attributes.POSITION]
    posed = rig.vertices(answers[1:2])[0]
    np.testing.assert_allclose((bounds.min, bounds.max), (posed.min(axis=0), posed.max(axis=0)), atol=1e-6)
    assert document.scenes[0].extras == {"texts": ["b"]}
