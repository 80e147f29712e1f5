"""What jobs of one process share changes none of their results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import SMALL, succeed
from faces_table import faces_table
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.kept import LARGEST, forget, kept

QUICK = ("tracking=none", "trainer.max_epochs=2", "threads=1")


def results(folder: Path) -> tuple[dict[str, object], bytes]:
    scores = json.loads((folder / "evaluation" / "test" / "metrics.json").read_text())
    return {key: scores[key] for key in ("metrics", "references")}, (
        folder / "weights.safetensors"
    ).read_bytes()


def compare_with_alone(cache: Path, folder: Path, *asked: str) -> None:
    succeed(cache, folder, "train.py", "-m", "seed=1,2", "hydra.sweep.dir=swept", *asked)
    succeed(cache, folder, "train.py", "seed=2", "run_dir=alone", *asked)
    assert results(folder / "swept" / "1") == results(folder / "alone")
    assert results(folder / "swept" / "0")[1] != results(folder / "alone")[1]


def test_the_second_job_of_a_sweep_is_what_it_is_alone(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "table").mkdir()
    table = faces_table(tmp_path / "table")
    compare_with_alone(
        cache, tmp_path, "model=lm_mlp", "data=emo3d", f"data.root={table}", "metric=mse", *QUICK
    )


@pytest.mark.slow
def test_a_judged_job_of_a_sweep_is_what_it_is_alone(tmp_path: Path, cache: Path) -> None:
    compare_with_alone(cache, tmp_path, "model=vae_clip", "metric.looks.count=2", *SMALL, *QUICK[:2])


def test_few_parts_are_held_and_only_in_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    hydra = DictConfig({"mode": RunMode.MULTIRUN})
    monkeypatch.setattr(HydraConfig, "initialized", staticmethod(lambda: True))
    monkeypatch.setattr(HydraConfig, "get", staticmethod(lambda: hydra))
    configs = [OmegaConf.create({"name": number}) for number in range(LARGEST + 1)]
    forget()
    first = [kept("part", [config], object) for config in configs]
    assert kept("part", [configs[-1]], object) is first[-1]
    assert kept("other", [configs[-1]], object) is not first[-1]
    assert kept("part", [configs[0]], object) is not first[0]
    hydra.mode = RunMode.RUN
    assert kept("part", [configs[-1]], object) is not first[-1]
    forget()
