"""What the metric promises, measured on data=mini with the shipped judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate

from emo3d_exp.app.cli import CONF
from emo3d_exp.app.data import load_data
from emo3d_exp.app.scoring import build_evaluator
from emo3d_exp.evaluation.meta import Material, measure

FEW = (
    "meta.prompts=150", "meta.ks=[10]", "meta.epsilons=[1e-3]", "meta.banks=[400]", "meta.looks=[1]",
    "meta.noise=[0.1,0.3]", "meta.redraws=10", "metric.bootstrap=50",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(new_cache: Callable[[], Path]) -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMO3D_CACHE", str(new_cache()))
        yield measured()


def measured() -> dict[str, Any]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(Path(CONF)), version_base="1.3"):
        cfg = compose("evaluate", ["meta=default", "threads=1", "renderer.detail=light", *FEW])
    settings, data = instantiate(cfg.meta, _convert_="all"), load_data(cfg)
    train = data.prompts("train")
    material = Material(data.prompts("test"), train, train, data.mean_face(), {}, [], {})
    return measure(build_evaluator(cfg), material, settings, lambda steps: lambda: None).content


@pytest.mark.slow
def test_the_set_follows_the_amount_of_another_emotion(found: dict[str, Any]) -> None:
    series = found["graded"]["interpolation"]
    assert len(series["amounts"]) == 9
    assert series["spearman"]["emo3d"]["set"] >= 0.99


@pytest.mark.slow
def test_another_draw_of_the_bank_hardly_moves_the_ground_truth(found: dict[str, Any]) -> None:
    assert found["redraw"]["sd"]["true"] <= 0.004


@pytest.mark.slow
def test_changed_emotions_are_told_from_kept_ones(found: dict[str, Any]) -> None:
    told = found["auc"]["verified"]
    assert told["emo3d"]["value"] >= 0.88
