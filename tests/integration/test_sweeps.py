"""``sweep=NAME``: every file composes, from any folder; what is done is not done again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from commands import run, succeed
from faces_table import faces_table
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from emo3d_exp.app.choices import CONF, SWEEPS, choices

GRIDS = sorted(f.stem for f in (SWEEPS / "sweep").glob("*.yaml") if not f.stem.startswith("optuna_"))
"""Optuna's folders are numbered by its trials."""
RELEASED = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0)
"""λ of text and picture alike, in the authors' notebook."""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faces_table(tmp_path_factory.mktemp("table"))


def jobs_of(name: str, which: Sequence[int] = (0, -1)) -> tuple[list[DictConfig], list[list[str]]]:
    """The configs of the first and of the last job of a sweep file, and the overrides of all."""
    asked = [f"sweep={name}", f"hydra.searchpath=[file://{SWEEPS}]"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", asked, return_hydra_config=True)
        params = [f"{key}={value}" for key, value in config.hydra.sweeper.params.items()]
        parsed = OverridesParser.create().parse_overrides(params)
        (jobs,) = BasicSweeper.split_arguments(parsed, None)
        return [compose("train", [*asked, *jobs[at]], return_hydra_config=True) for at in which], jobs


@pytest.mark.parametrize("name", GRIDS)
def test_every_sweep_file_names_its_folders_by_what_is_in_them(name: str) -> None:
    (first, last), _ = jobs_of(name)
    assert first.hydra.mode == RunMode.MULTIRUN
    assert first.group == name and first.resume and first.hydra.sweep.dir == f"outputs/{name}"
    folders = {str(job.hydra.sweep.subdir) for job in (first, last)}
    assert len(folders) == 2 and not any(folder.isdigit() for folder in folders)
    described = choices("sweep")[name].describe()
    assert described.endswith(".") and len(described) <= 88


def test_the_released_values_of_lambda_are_gone_through() -> None:
    def values(jobs: list[list[str]]) -> list[tuple[float, ...]]:
        return [tuple(float(override.partition("=")[2]) for override in job) for job in jobs]

    (_, last), jobs = jobs_of("vae_clip_lambda")
    assert values(jobs) == [(value,) for value in RELEASED]
    assert last.loss.lambda_image == last.loss.lambda_text == RELEASED[-1]
    fine = (0.001, 0.002, 0.003, 0.004, 0.005)
    (_, last), jobs = jobs_of("vae_clip_lambda_grid")
    assert values(jobs) == list(product(fine, fine))
    assert all(job[0].startswith("loss.lambda_text=") for job in jobs)
    assert (last.loss.lambda_text, last.loss.lambda_image) == (0.005, 0.005)


@pytest.mark.slow
def test_what_is_given_takes_the_place_of_what_the_file_goes_through(
    table: Path, tmp_path: Path, cache: Path
) -> None:
    said = succeed(
        cache, tmp_path, "train.py", "sweep=learning_rate", "optimizer.lr=0.002,0.004", "model=lm_mlp",
        "data=emo3d", f"data.root={table}", "metric=mse", "tracking=none", "trainer.max_epochs=1",
    )  # fmt: skip
    assert "of 2 jobs 2 finished" in said
    folders = [path.name for path in (tmp_path / "outputs" / "learning_rate").iterdir() if path.is_dir()]
    assert sorted(folders) == ["lm_mlp_lr_0.002_seed1", "lm_mlp_lr_0.004_seed1"]


def test_a_sweep_is_stopped_goes_on_and_is_compared(table: Path, tmp_path: Path, cache: Path) -> None:
    def sweep(*given: str) -> str:
        return succeed(
            cache, tmp_path, "train.py", "sweep=benchmark", "data=emo3d", f"data.root={table}",
            "metric=mse", "tracking=none", *given,
        )  # fmt: skip

    folder = tmp_path / "outputs" / "benchmark"
    sweep("model=ridge,nearest", "seed=1")
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["nearest_seed1", "ridge_seed1"]
    weights = folder / "ridge_seed1" / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    (folder / "nearest_seed1" / "weights.safetensors").unlink()  # as if it had been stopped

    said = sweep("model=ridge,nearest", "seed=1,2")
    assert said.count("is done already") == 1
    assert weights.stat().st_mtime_ns == before
    assert (folder / "nearest_seed1" / "weights.safetensors").is_file()
    assert len(list(folder.glob("*/evaluation/test/metrics.json"))) == 4

    board = succeed(cache, tmp_path, "evaluate.py", "run_dir=outputs/benchmark/*", "out=board", "metric=mse")
    assert "seconds" in board and "parameters" in board
    markdown = (tmp_path / "board" / "systems.md").read_text(encoding="utf-8")
    error = json.loads((folder / "ridge_seed1" / "evaluation" / "test" / "metrics.json").read_text())[
        "metrics"
    ]["mse"]
    assert f"| ridge | 2 | {error:.4f} |".replace("0.", ".") in markdown

    other = run(
        cache, tmp_path, "train.py", "sweep=benchmark", "data=emo3d", f"data.root={table}", "metric=mse",
        "tracking=none", "model=ridge", "seed=1", "head.alphas=[3.0]",
    )  # fmt: skip
    assert other.returncode == 1
    assert "ridge_seed1 holds a run with other settings (head.alphas is" in other.stdout
    assert json.loads((folder / "ridge_seed1" / "job.json").read_text())["status"] == "finished"
