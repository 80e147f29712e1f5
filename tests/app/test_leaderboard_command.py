"""``evaluate.py run_dir='…'`` and ``against=…``: what goes together, what is refused, what is tracked."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
from made_results import make_run
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app import leaderboard
from emo3d_exp.app.leaderboard import check_comparison, compare_two, metrics_file, results_of
from emo3d_exp.app.tracked_names import default_group, default_tags
from emo3d_exp.errors import ConfigError
from emo3d_exp.evaluation.leaderboard import read_leaderboard
from emo3d_exp.evaluation.standings import standings
from emo3d_exp.tracking import NoTracker

NONE, WANDB = "emo3d_exp.tracking.NoTracker", "emo3d_exp.tracking.WandbTracker"


def settings(**given: object) -> DictConfig:
    plain = {"run_dir": None, "against": None, "texts": None, "out": None, "samples": 0, "part": "test"}
    return OmegaConf.create(plain | {"tracking": {"_target_": NONE}} | given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"against": "b"}, "give it with run_dir"),
        ({"run_dir": "x/*", "against": "b"}, "no pattern"),
        ({"run_dir": "a", "against": "x/*"}, "no pattern"),
        ({"run_dir": "a", "against": "b", "out": "o"}, "writes nothing"),
        ({"run_dir": "a", "against": "b", "samples": 8}, "writes nothing"),
        ({"run_dir": "a", "against": "b", "tracking": {"_target_": WANDB}}, "writes nothing"),
        ({"run_dir": "a", "texts": ["x"], "out": "o"}, "texts"),
        ({"run_dir": "x/*", "texts": ["x"]}, "out=FOLDER"),
        ({"run_dir": "x/*", "texts": [], "out": "o"}, "at least one text"),
        ({"run_dir": "x/*", "texts": ["x", " "], "out": "o"}, "none may be empty"),
        ({"run_dir": "x/*", "tracking": {"_target_": WANDB}}, "add out=FOLDER"),
    ],
)
def test_what_does_not_go_together_is_refused_before_any_work(given: dict, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_comparison(settings(**given))


def test_what_goes_together_is_taken() -> None:
    tracked = {"tracking": {"_target_": WANDB}}
    for given in (
        {"run_dir": "a", "against": "b"},
        {"run_dir": "x/*", "texts": ["x"], "out": "o", **tracked},
        {"run_dir": "a", **tracked},
    ):
        check_comparison(settings(**given))


def test_two_results_are_compared_in_sentences(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_run(tmp_path / "one", "a", 1, [0.5, 0.6, 0.7] * 4)
    make_run(tmp_path / "two", "b", 1, [0.6, 0.7, 0.8] * 4)
    with caplog.at_level(logging.INFO):
        compare_two(str(tmp_path / "one"), str(tmp_path / "two" / "evaluation" / "test"), "test")
    emo3d, mse, more = (record.getMessage() for record in caplog.records)
    assert emo3d == "Emo3D: one is lower than two by .100 [.100, .100]"
    assert mse == "MSE: one is lower than two by .0100 [.0100, .0100]"
    assert "12 prompts of 12 samples" in more and "judge j_1 (f1)" in more


def test_two_results_on_few_samples_get_no_verdict(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_run(tmp_path / "one", "a", 1, [0.5])
    make_run(tmp_path / "two", "b", 1, [0.6])
    with caplog.at_level(logging.INFO):
        compare_two(str(tmp_path / "one"), str(tmp_path / "two"), "test")
    told = caplog.records[0].getMessage()
    assert told == "Emo3D: too few samples to tell one from two (-.100, 1 sample)"


def test_other_conditions_are_refused_by_name(tmp_path: Path) -> None:
    make_run(tmp_path / "one", "a", 1, [0.5, 0.6, 0.7])
    facts = {"k": 5, "judge": {"name": "other", "fingerprint": "f2"}}
    make_run(tmp_path / "two", "b", 1, [0.5, 0.6, 0.7], facts)
    with pytest.raises(ConfigError) as refused:
        compare_two(str(tmp_path / "one"), str(tmp_path / "two"), "test")
    told = str(refused.value)
    assert "judge: j_1 (f1) and other (f2)" in told and "k: 10 and 5" in told and "rig" not in told


def test_a_result_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = make_run(tmp_path / "one", "a", 1, [0.5, 0.6])
    assert metrics_file(tmp_path / "one", "test") == file == metrics_file(file.parent, "test")
    with pytest.raises(ConfigError, match=r"evaluation/val/metrics\.json"):
        metrics_file(tmp_path / "one", "val")
    make_run(tmp_path / "two", "a", 1, [0.5, 0.6])
    file.with_name("per_sample.parquet").unlink()
    with pytest.raises(ConfigError, match=r"per_sample\.parquet"):
        compare_two(str(tmp_path / "two"), str(tmp_path / "one"), "test")


def test_where_nothing_is_scored_the_command_that_scores_names_the_part(tmp_path: Path) -> None:
    make_run(tmp_path / "one", "a", 1, [0.5, 0.6])
    cfg = settings(run_dir=f"{tmp_path}/*", out=str(tmp_path / "board"), part="val")
    with pytest.raises(ConfigError) as refused:
        leaderboard.leaderboard(cfg.run_dir, cfg)
    assert "1 run folder, none with evaluation/val/metrics.json" in str(refused.value)
    assert str(refused.value).endswith("python evaluate.py run_dir=… part=val")
    assert not (tmp_path / "board").exists()


def test_a_board_without_a_picture_does_not_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_run(tmp_path / "runs" / "one", "a", 1, [0.5, 0.6])
    (tmp_path / "runs" / "two").mkdir()
    (tmp_path / "runs" / "two" / "config.yaml").write_text("seed: 1")
    monkeypatch.setattr(leaderboard, "drawn", lambda board, cfg: (None, []))
    cfg = settings(run_dir=f"{tmp_path}/runs/*", out=str(tmp_path / "board"))
    with caplog.at_level(logging.INFO):
        leaderboard.leaderboard(cfg.run_dir, cfg)
    waiting, wrote = caplog.messages
    assert waiting.startswith("1 run folder has no scores on test yet: ")
    assert wrote == f"wrote leaderboard.html and .csv, systems.csv, .md and .tex to {tmp_path}/board"


def test_a_pattern_finds_runs_and_evaluations_of_outside_systems(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "a", 1, [0.5, 0.6])
    outside = make_run(tmp_path / "elsewhere", "mine", 1, [0.6, 0.7])
    outside.parent.rename(tmp_path / "mine_evaluation")
    shutil.rmtree(tmp_path / "elsewhere")
    (tmp_path / "unscored").mkdir()
    (tmp_path / "unscored" / "config.yaml").write_text("seed: 1")
    found, unscored = results_of(f"{tmp_path}/*", "test")
    assert found == [tmp_path / "mine_evaluation" / "metrics.json", run]
    assert unscored == [tmp_path / "unscored"]
    board = read_leaderboard(found)
    assert {(entry.run, entry.system) for entry in board.entries} == {
        ("run", "a"),
        ("mine_evaluation", "mine"),
    }
    (part,) = standings(board).parts
    assert [line.name for line in part.lines if line.seeds] == ["a", "mine"]


class Told(NoTracker):
    """Keeps what it is told."""

    def start(self, *given: object) -> None:
        self.started = given

    def summary(self, metrics: dict) -> None:
        self.means = metrics

    def leaderboard(self, folder: Path) -> None:
        self.folder = folder

    def finish(self, exit_code: int = 0) -> None:
        self.code = exit_code

    def where(self) -> str:
        return "there"


def test_a_leaderboard_is_a_run_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = [make_run(tmp_path / f"a{seed}", "good", seed, [0.5 + seed / 10] * 3) for seed in (1, 2)]
    found, tracker = standings(read_leaderboard(reports)), Told()
    monkeypatch.setattr(leaderboard, "instantiate", lambda group: tracker)
    cfg = settings(run_dir="x/*", out="o", tracking={"_target_": WANDB})
    leaderboard.track(found, cfg, tmp_path)
    folder, config, name, group, tags, job_type, resume_id = tracker.started
    assert (folder, name, group, job_type, resume_id) == (
        tmp_path, "leaderboard", "leaderboards", "leaderboard", None,
    )  # fmt: skip
    assert tags == ["leaderboard", "j_1"] and config["conditions"]["A"].startswith("3 prompts")
    assert tracker.means["good/emo3d"] == pytest.approx(0.65) and "ground truth/emo3d" not in tracker.means
    assert (tracker.folder, tracker.code) == (tmp_path, 0)


def test_runs_are_grouped_by_model_and_data_and_tagged() -> None:
    cfg = OmegaConf.create(
        {
            "model": {"name": "vae_clip"},
            "data": {"_target_": "emo3d_exp.data.MiniData"},
            "split": {"_target_": "emo3d_exp.data.PublishedSplit"},
            "backbone": {"name": f"folder/of/{'x' * 80}"},
        }
    )
    assert default_group(cfg) == "vae_clip-mini"
    assert default_tags(cfg) == ["vae_clip", "mini", "published", "x" * 64]
