"""The face in 3D that a tracker with room for pictures is given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_results import PROVENANCE
from omegaconf import OmegaConf

from emo3d_exp.app import scoring
from emo3d_exp.app.scoring import track, track_outside
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
        provenance={},
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


def test_an_outside_system_is_a_run_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Told(Showing):
        def start(self, **given: object) -> None:
            self.started = given

        def summary(self, metrics: dict[str, float | str]) -> None:
            self.metrics = metrics

        def rows(self, count: int) -> np.ndarray:
            return np.zeros(0, np.int64)

        def where(self) -> str:
            return "there"

    tracker = Told()
    monkeypatch.setattr(scoring, "instantiate", lambda group: tracker)
    facts = PROVENANCE | {"system": "theirs", "rig": None}
    evaluation = SimpleNamespace(metrics={"mse": 0.1, "mse_low": 0.05}, provenance=facts, prompts=("a", "b"))
    parts = {
        "data": {"_target_": "emo3d_exp.data.MiniData"},
        "split": {"_target_": "emo3d_exp.data.RandomSplit"},
    }
    wandb, none = ({"_target_": f"emo3d_exp.tracking.{name}"} for name in ("WandbTracker", "NoTracker"))
    track_outside(OmegaConf.create(parts | {"tracking": none, "part": "val"}), evaluation, None, tmp_path)
    assert not hasattr(tracker, "started")
    track_outside(OmegaConf.create(parts | {"tracking": wandb, "part": "val"}), evaluation, None, tmp_path)
    assert tracker.started["run_dir"] == tmp_path and tracker.started["job_type"] == "evaluate"
    assert (tracker.started["name"], tracker.started["group"]) == ("theirs", "theirs-mini")
    assert tracker.started["tags"] == ["outside", "theirs", "mini", "random"]
    shown = {name.removeprefix("val/"): value for name, value in tracker.metrics.items()}
    assert (shown["mse"], shown["mse_low"]) == (0.1, 0.05)
    told = {name: shown[name] for name in ("judge", "looks", "k", "bank", "renderer")}
    assert told == {
        "judge": "j_1 (f1)", "looks": "one look, the neutral portrait", "k": 10, "renderer": "p1",
        "bank": "bank of 400 prompts of train (draw 0, b1)",
    }, "runs with other judges must be told apart"  # fmt: skip
    assert "rig" not in shown and all(isinstance(value, str | float | int) for value in shown.values())
