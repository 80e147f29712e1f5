"""``sweep=NAME``: every file composes, from any folder; what is done is not done again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from commands import ROOT, run, succeed

sys.path.append(str(ROOT / "tests" / "data"))
from published import row, write_csv

SWEEPS = sorted(file.stem for file in (ROOT / "multirun_sweeps" / "sweep").glob("*.yaml"))
TEXTS = ("a wide grin", "he scowls with rage", "tears run down her face", "calm, nothing moves")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """36 samples in the published layout, whose faces follow from the text."""
    folder = tmp_path_factory.mktemp("table")
    rows = [
        row(n, text_1=f"{TEXTS[n % 4]}, {n} times", text_2=None, text_3=None,
            blenshape_score_1=str([round(0.2 * (n % 4) + 0.001 * k, 3) for k in range(52)]).replace(",", ""),
            **{f"blenshape_score_{k}": None for k in (2, 3, 4)}, **{f"img_{k}": None for k in (1, 2, 3, 4)})
        for n in range(36)
    ]  # fmt: skip
    write_csv(folder, rows[:20], rows[20:28], rows[28:])
    return folder


@pytest.mark.parametrize("name", SWEEPS)
def test_every_sweep_composes_from_any_folder(name: str, tmp_path: Path, cache: Path) -> None:
    shown = succeed(cache, tmp_path, "train.py", f"sweep={name}", "--cfg", "hydra", "-p", "hydra.sweeper")
    written = yaml.safe_load(
        (ROOT / "multirun_sweeps" / "sweep" / f"{name}.yaml").read_text(encoding="utf-8")
    )
    shown = yaml.safe_load(shown[shown.index("_target_") :])
    assert shown["params"] == written["hydra"]["sweeper"]["params"]


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
    assert other.returncode == 2
    assert "ridge_seed1 holds a run with other settings (head.alphas is" in other.stderr
