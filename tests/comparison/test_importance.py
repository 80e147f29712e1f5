"""A forest finds the settings that matter, and says nothing where it cannot know."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.comparison.importance import Importance, importance
from emo3d_exp.comparison.run import Run

KEYS = ("lr", "head", "dropout", "seed")


def searched(count: int, noise: float = 0.0, signal: float = 1.0) -> list[Run]:
    """A random search: the rate matters most, the head less, dropout and seed not at all."""
    rng, runs = np.random.default_rng(0), []
    for number in range(count):
        rate, head = float(10 ** rng.uniform(-4, -1)), str(rng.choice(["small", "large"]))
        config = {"lr": rate, "head": head, "dropout": float(rng.random()), "seed": int(rng.integers(5))}
        value = signal * ((np.log10(rate) + 2.5) ** 2 + 0.5 * (head == "small")) + noise * rng.normal()
        runs.append(Run(f"r{number}", Path(f"r{number}"), config, {"test/mse": float(value)}, "finished"))
    return runs


def test_what_matters_comes_first() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    found = importance(searched(80), KEYS, "test/mse")
    assert isinstance(found, Importance)
    assert list(found.drops)[:2] == ["lr", "head"] and found.share > 0.7
    assert found.drops["lr"] > 0.5 > found.drops["head"] > 0.05
    assert all(abs(found.drops[key]) < 0.1 for key in ("dropout", "seed"))
    heads = dict(found.expected["head"])
    assert heads["small"] - heads["large"] == pytest.approx(0.5, abs=0.25)
    rates = [mean for _, mean in found.expected["lr"]]
    assert min(rates[0], rates[-1]) > min(rates) and len(rates) <= 15
    assert f"{found.share:.0%}" in found.in_words()
    assert importance(searched(80), KEYS, "test/mse") == found


def test_noise_is_not_explained() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    told = importance(searched(40, noise=1.0, signal=0.0), KEYS, "test/mse")
    assert isinstance(told, str) and "no better than their mean (R² out of bag -" in told


def test_keys_that_some_runs_lack_are_categories() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    runs = searched(40)
    for number, run in enumerate(runs):
        if number % 2:
            del run.config["lr"]  # type: ignore[attr-defined]
    found = importance(runs, KEYS, "test/mse")
    assert isinstance(found, str) or any(value == "–" for value, _ in found.expected["lr"])


@pytest.mark.parametrize(
    ("runs", "keys", "told"),
    [
        (searched(9), KEYS, "9 runs have test/mse, and 10 are needed"),
        (searched(12), (), "no setting differs"),
        (searched(12, signal=0.0), KEYS, "test/mse is the same for all"),
    ],
)
def test_what_cannot_be_told(runs: list[Run], keys: tuple[str, ...], told: str) -> None:
    assert told in str(importance(runs, keys, "test/mse"))


def test_without_scikit_learn_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    assert "pip install scikit-learn" in str(importance(searched(12), KEYS, "test/mse"))
