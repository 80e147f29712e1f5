"""Worked cases of the Emo3D metric, value by value."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.metrics import Emo3DMetric, aggregate, emo3d_scores
from emo3d_exp.vocab import EMOTIONS

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = json.loads((ROOT / "tests/golden/emo3d_metric.json").read_text(encoding="utf-8"))
SHARED = ROOT.parent / "shared/golden/emo3d_metric.json"


def check(case, neighbours, expected):
    """Core and shell against the expected KL, per-sample values and mean, with and without smoothing."""
    images, bank, emotions = (np.array(case[n]) for n in ("image_features", "text_features", "emotions"))
    for eps, figures in expected.items():
        scores = emo3d_scores(images, bank, emotions, emotions, k=case["k"], eps=eps)
        assert scores["neighbours"].tolist() == neighbours
        np.testing.assert_allclose(scores["kl"], figures["kl"], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(scores["emo3d"], figures["value"], rtol=1e-12)
        metric = Emo3DMetric(bank, emotions, k=case["k"], eps=eps)
        metric.update(images, emotions, np.arange(len(images)), np.ones(len(images)))
        assert metric.compute().item() == pytest.approx(figures["metric"], rel=1e-12)


def test_order_of_the_emotions():
    assert GOLDEN["emotion_columns"] == list(EMOTIONS)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_worked_cases(case):
    check(case, case["neighbours"], {0.0: case["eps0"], 1e-3: case["eps1e-3"]})


@pytest.mark.shared
def test_shared_cases():
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not beside this checkout")
    for case in json.loads(SHARED.read_text(encoding="utf-8"))["cases"]:
        plain, smoothed = (
            {**case[name], "value": case[name]["per_sample"]} for name in ("formula_eps0", "smoothed_eps1e-3")
        )
        check(case, case["topk_indices"], {0.0: plain, 1e-3: smoothed})
        pooled = case["pooled_released_intended_alpha1"]
        assert np.mean(pooled["kl"]) == pytest.approx(pooled["kl_norm"], rel=1e-12, abs=1e-14)
        assert aggregate(pooled["kl"], "pooled") == pytest.approx(pooled["metric"], rel=1e-12)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
@pytest.mark.parametrize("eps", [0.0, 1e-3])
def test_pooled_cases(case, eps):
    images, bank, emotions = (np.array(case[n]) for n in ("image_features", "text_features", "emotions"))
    metric = Emo3DMetric(bank, emotions, k=case["k"], eps=eps, aggregation="pooled")
    metric.update(images, emotions, np.arange(len(images)), np.ones(len(images)))
    mean = np.mean(case["eps1e-3" if eps else "eps0"]["kl"])
    assert metric.compute().item() == pytest.approx(1 / (1 + np.exp(-mean)), rel=1e-12)
