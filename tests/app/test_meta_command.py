"""``evaluate.py meta=…``: what goes with it, and what is refused before anything is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.cli import CONF
from emo3d_exp.app.evaluate import evaluate
from emo3d_exp.app.meta import other_judges, systems
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.evaluation import save_predictions
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.runs import RunFolder, write_json

PROMPTS = Prompts(
    np.array([4, 7]), np.ones(2, np.int64), ("a", "b"), np.eye(8)[:2], np.zeros((2, 52), np.float32)
)


class Data:
    def facts(self) -> dict[str, str]:
        return {"data_hash": "d", "split_hash": "s"}


def config(*overrides: str, meta: str = "default") -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("evaluate", [*([f"meta={meta}"] if meta else []), *overrides])


def run(folder: Path, grey: float, split: str = "s") -> None:
    made = RunFolder(folder)
    made.path.mkdir(parents=True)
    OmegaConf.save({}, made.config_file)
    write_json(made.provenance_file, {"data_hash": "d", "split_hash": split})
    place = made.evaluation("test")
    place.mkdir(parents=True)
    scores = np.full((2, 52), grey, np.float32)
    scores[1] /= 2
    answers = Predictions(np.array([7, 4]), np.ones(2, np.int64), scores)
    save_predictions(place / "predictions.parquet", answers)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("predictions=mine.csv", "predictions with meta"),
        ("prompts=prompts.csv", "prompts with meta"),
        ("samples=3", "samples with meta"),
        ("path=x.pth", "path with meta"),
        ("against=outputs/b", "against with meta"),
        ("texts=[smile]", "texts with meta"),
        ("tracking=csv", "tracking with meta"),
        ("tracking=wandb", "tracking with meta"),
        ("metric=mse", "needs a judge"),
    ],
)
def test_what_does_not_go_with_it(override: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        evaluate(config(override))


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (
            ("run_dir=outputs/one", "out=board"),
            r"lies in the run, outputs/one/evaluation/test; leave out=… out",
        ),
        (("prompts=prompts.csv", "out=board"), "writes that file alone"),
        (("prompts=prompts.csv", "tracking=wandb"), "writes that file alone"),
    ],
)
def test_places_where_nothing_would_be_written(
    overrides: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=told):
        evaluate(config(*overrides, meta=""))
    assert not list(tmp_path.iterdir())


def test_judges_are_backbones_that_see_pictures() -> None:
    assert [judge.name for judge in other_judges(["face_clip"])] == ["face_clip"]
    with pytest.raises(ConfigError, match=r"no backbone nope; there are: .*clip_vit_b32"):
        other_judges(["nope"])
    with pytest.raises(ConfigError, match="minilm encodes texts only"):
        other_judges(["minilm"])


def test_answers_of_runs_are_brought_into_the_order_of_the_prompts(tmp_path: Path) -> None:
    run(tmp_path / "one", 0.5)
    run(tmp_path / "two", 0.25)
    found = systems(config(f"run_dir='{tmp_path}/*'"), Data(), PROMPTS)
    assert list(found) == ["one", "two"]
    assert found["one"][:, 1].tolist() == [0.25, 0.5]
    assert systems(config(), Data(), PROMPTS) == {}


def test_runs_of_another_split_or_without_scores_are_refused(tmp_path: Path) -> None:
    run(tmp_path / "one", 0.5, split="other")
    with pytest.raises(DataError, match="split_hash other"):
        systems(config(f"run_dir='{tmp_path}/*'"), Data(), PROMPTS)
    with pytest.raises(ConfigError, match="0 run folders"):
        systems(config(f"run_dir='{tmp_path}/none*'"), Data(), PROMPTS)
