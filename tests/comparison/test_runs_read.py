"""Run folders are found wherever they lie, each once, and read as far as they can be."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from compared_runs import make_run, make_wandb_file, score
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from emo3d_exp.comparison import read_runs
from emo3d_exp.comparison.run import flat
from emo3d_exp.comparison.settings_file import read_settings
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import JobRecord, RunFolder

CONF = Path(__file__).resolve().parents[2] / "conf"


@pytest.fixture(autouse=True)
def own_cache(cache: Path) -> None:
    """No test sees what another one has read."""


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Two runs of a sweep, one beside it, one that never began."""
    outputs = tmp_path / "outputs"
    make_run(outputs / "sweep" / "0", loss__lambda_text=0.1)
    make_run(outputs / "sweep" / "1", loss__lambda_text=0.5)
    (outputs / "sweep" / "multirun.yaml").write_text("hydra: {}")
    make_run(outputs / "alone", model__name="ridge")
    (outputs / "never").mkdir()
    (outputs / "never" / "train.log").write_text("")
    return outputs


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", {"sweep/0", "sweep/1", "alone"}),
        ("/**", {"sweep/0", "sweep/1", "alone"}),
        ("/*", {"sweep/0", "sweep/1", "alone"}),
        ("/sweep", {"sweep/0", "sweep/1"}),
        ("/s*", {"sweep/0", "sweep/1"}),
        ("/**/[1-9]", {"sweep/1"}),
        ("/**/[!1]", {"sweep/0"}),
        ("/sweep/1", {"sweep/1"}),
        ("/*/1", {"sweep/1"}),
        ("/a?one", {"alone"}),
        ("/**/sweep/**", {"sweep/0", "sweep/1"}),
    ],
)
def test_patterns_and_folders_find_runs_at_any_depth(outputs: Path, pattern: str, names: set[str]) -> None:
    runs, _ = read_runs([f"{outputs}{pattern}"])
    assert {run.name for run in runs} == names


def test_a_pattern_counts_from_the_current_folder(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(outputs)
    assert {run.name for run in read_runs(["**"])[0]} == {"sweep/0", "sweep/1", "alone"}
    assert {run.name for run in read_runs(["*/1", "sweep/0"])[0]} == {"sweep/0", "sweep/1"}


def test_what_a_run_is_and_what_came_of_it(outputs: Path) -> None:
    runs, notes = read_runs([str(outputs)])
    run = next(run for run in runs if run.name == "sweep/1")
    assert (run.status, run.sweep, run.commit, run.seconds) == ("finished", "sweep", "01234567", 5.0)
    assert run.started == "2026-01-31 12:00:00"
    assert run.config["loss.lambda_text"] == 0.5 and run.config["head.hidden"] == "[256]"
    assert "run_dir" not in run.config
    assert run.metrics["val/mse"] == 0.012 and run.metrics["test/emo3d"] == 0.65
    assert {"epoch", "parameters", "train_seconds"} < run.metrics.keys() and "schema" not in run.metrics
    assert run.curves["val/mse"] == [(0.0, 0.03), (1.0, 0.012), (2.0, 0.013)]
    assert run.curves["train/loss"][0] == (0.0, 0.06)
    assert notes == [f"{outputs}/never: no config.yaml, its training never began"]


def test_links_in_circles_and_runs_found_twice_count_once(outputs: Path) -> None:
    (outputs / "sweep" / "round").symlink_to(outputs)
    (outputs / "again").symlink_to(outputs / "alone")
    (outputs / "itself").symlink_to(outputs / "itself")
    (outputs / "nowhere").symlink_to(outputs / "absent")
    runs, _ = read_runs([str(outputs), f"{outputs}/**", f"{outputs}/sweep/0", f"{outputs}/s*/*"])
    assert sorted(run.name for run in runs) == ["again", "sweep/0", "sweep/1"]


def test_files_that_a_shell_puts_for_a_pattern(outputs: Path) -> None:
    files = [str(file) for file in sorted((outputs / "sweep").iterdir())]
    assert {run.name for run in read_runs(files)[0]} == {"sweep/0", "sweep/1"}
    assert [run.name for run in read_runs([f"{outputs}/alone/config.yaml"])[0]] == ["alone"]
    file = make_wandb_file(outputs.parent / "offline-run-20260131_120000-abcd1234")
    assert [run.name for run in read_runs([str(file)])[0]] == ["run abcd1234"]
    with pytest.raises(ConfigError, match="no runs in"):
        read_runs([f"{outputs}/sweep/multirun.yaml"])


def test_a_copy_counts_once_and_a_moved_folder_counts(outputs: Path) -> None:
    shutil.copytree(outputs / "alone", outputs / "copy")
    shutil.move(outputs / "sweep" / "0", outputs / "moved")
    runs, notes = read_runs([str(outputs)])
    assert sorted(run.name for run in runs) == ["alone", "moved", "sweep/1"]
    assert f"{outputs}/copy: a copy of {outputs}/alone, counted once" in notes


def test_jobs_and_trials_have_their_sweep_in_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = tmp_path / "search"
    for number in (3, 14):
        make_run(search / f"trial_{number:04d}", seed=number)
    assert {run.name for run in read_runs([str(search)])[0]} == {"trial_0003", "trial_0014"}
    make_run(tmp_path / "failing" / "4", seed=4)
    names = {run.name for run in read_runs([str(tmp_path)])[0]}
    assert names == {"search/trial_0003", "search/trial_0014", "failing/4"}
    monkeypatch.chdir(tmp_path / "failing")
    assert [run.name for run in read_runs(["4"])[0]] == ["failing/4"]


def test_jobs_of_one_second_are_no_copies(tmp_path: Path) -> None:
    for seed in (1, 2):
        make_run(tmp_path / f"s{seed}", seed=seed)
    assert len(read_runs([str(tmp_path)])[0]) == 2


def test_how_far_a_run_came(tmp_path: Path) -> None:
    make_run(tmp_path / "trained", emo3d=None, seed=1)
    make_run(tmp_path / "unasked", emo3d=None, evaluate=False, seed=2)
    for name, log in {
        "stopped": "[2026][emo3d_exp.app.stopping][WARNING] - stopped; go on from the start with: …",
        "killed": "[2026][emo3d_exp.app.fitting][INFO] - training vae_clip",
        "failed": "Traceback (most recent call last):\n  …",
    }.items():
        run = make_run(tmp_path / name, emo3d=None, weights=False, name=name, tags=[name])
        (run / "train.log").write_text(log)
    run = make_run(tmp_path / "exited", emo3d=None, weights=False, tags=["x"])
    (run / "tracking.json").write_text(json.dumps({"run_id": "abcd1234"}))
    make_wandb_file(run / "wandb" / "offline-run-20260131_120000-abcd1234", exit_code=1)
    found = {run.name: run for run in read_runs([str(tmp_path)])[0]}
    assert {name: run.status for name, run in found.items()} == {
        "trained": "trained",
        "unasked": "finished",
        "stopped": "stopped",
        "killed": "stopped",
        "failed": "failed",
        "exited": "failed",
    }
    assert found["killed"].metrics == {"epoch": 1.0, "val/mse": 0.012}


def test_changes_in_the_tree_are_told(tmp_path: Path) -> None:
    make_run(tmp_path / "a", git={"commit": "f" * 40, "changed": True})
    make_run(tmp_path / "b", git={"commit": None, "changed": None}, seed=2)
    assert {run.name: run.commit for run in read_runs([str(tmp_path)])[0]} == {"a": "ffffffff+", "b": ""}


def refused(folder: Path, status: str = "failed", **facts: Any) -> None:
    """A job that never became a run."""
    folder.mkdir(parents=True)
    (folder / "train.log").write_text("")
    (folder / "provenance.json").write_text("{}")
    error = ("ConfigError", "minilm has no image tower;\n choose another") if status == "failed" else None
    JobRecord(1, str(folder), (), **{"status": status, "error": error, **facts}).write(folder / "job.json")


def test_a_job_that_was_refused_is_a_note_with_its_reason(tmp_path: Path) -> None:
    make_run(tmp_path / "failing" / "0")
    refused(tmp_path / "failing" / "1")
    refused(tmp_path / "failing" / "2")
    part = tmp_path / "failing" / "2" / "wandb" / "offline-run-20260131_120000-abcd1234"
    make_wandb_file(part, exit_code=1)
    runs, notes = read_runs([str(tmp_path)])
    reason = "failed before its training began: ConfigError: minilm has no image tower; choose another"
    assert [run.name for run in runs] == ["failing/0"]
    assert notes == [f"{tmp_path}/failing/{number}: {reason}" for number in (1, 2)]
    with pytest.raises(ConfigError, match="choose another"):
        read_runs([str(part)])


def test_of_other_jobs_without_a_run_nothing_more_is_known(tmp_path: Path) -> None:
    make_run(tmp_path / "0")
    refused(tmp_path / "1", status="running")
    refused(tmp_path / "2", error=None)
    refused(tmp_path / "3", status="running", error=("ConfigError", "of an earlier start"))
    make_wandb_file(tmp_path / "3" / "wandb" / "offline-run-20260131_120000-abcd1234", exit_code=None)
    runs, notes = read_runs([str(tmp_path)])
    assert [run.status for run in runs] == ["finished", "stopped"]
    assert notes == [f"{tmp_path}/{n}: no config.yaml, its training never began" for n in (1, 2)]


def test_parts_of_starts_that_came_to_nothing_are_no_news_of_a_finished_run(tmp_path: Path) -> None:
    for name, weights in (("whole", True), ("killed", False), ("bare", True)):
        run = make_run(tmp_path / name, weights=weights, tags=[name])
        part = run / "wandb" / "offline-run-20260131_120000-abcd1234"
        part.mkdir(parents=True)
        (part / "run-abcd1234.wandb").write_bytes(b":W&B")
    shutil.rmtree(tmp_path / "bare" / "curves")
    runs, notes = read_runs([str(tmp_path)])
    assert len(runs) == 3 and len(notes) == 2
    assert notes[0].startswith(f"{tmp_path}/bare/") and notes[1].startswith(f"{tmp_path}/killed/")
    assert "damaged or empty" in notes[0]


def test_damaged_files_cost_what_they_held_and_no_more(tmp_path: Path) -> None:
    make_run(tmp_path / "config")
    (tmp_path / "config" / "config.yaml").write_text("model: {name: [\n")
    make_run(tmp_path / "other")
    (tmp_path / "other" / "config.yaml").write_text("stage: texts\n")
    run = make_run(tmp_path / "rest", seed=2)
    for name in ("provenance.json", "model.json", "evaluation/test/metrics.json"):
        (run / name).write_text('{"a": ')
    with (run / "curves" / "metrics.csv").open("a") as file:
        file.write("3,3,,nonsense\n")
    (found,), notes = read_runs([str(tmp_path)])
    assert found.name == "rest" and found.config["seed"] == 2
    assert len(notes) == 6
    for name in ("config/config.yaml: damaged", "other/config.yaml: no training", "provenance.json: damaged",
                 "model.json: damaged", "metrics.json: damaged", "metrics.csv: damaged"):  # fmt: skip
        assert any(name in note for note in notes), name


def test_a_run_of_an_older_version_lacks_what_it_lacks(tmp_path: Path) -> None:
    make_run(tmp_path / "old")
    for name in ("provenance.json", "train.log"):
        (tmp_path / "old" / name).unlink()
    shutil.rmtree(tmp_path / "old" / "curves")
    (tmp_path / "old" / "evaluation" / "test" / "metrics.json").write_text('{"mse": 0.1, "metrics": [1]}')
    ((run,), notes) = read_runs([str(tmp_path)])
    assert (run.started, run.commit, run.seconds, run.curves, notes) == ("", "", None, {}, [])


def test_nothing_found_says_where_was_looked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no folder .*absent"):
        read_runs([f"{tmp_path}/absent"])
    with pytest.raises(ConfigError, match=r"no runs in .*/x\*: neither a folder with config.yaml"):
        read_runs([f"{tmp_path}/x*"])
    make_run(tmp_path / "a")
    (tmp_path / "a" / "config.yaml").write_text("[")
    with pytest.raises(ConfigError, match=r"no run that could be read in .*\n  .*config.yaml: damaged"):
        read_runs([str(tmp_path)])


def test_a_run_that_went_on_has_one_curve(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", curve=[0.03, 0.02, 0.019])
    (run / "curves_2").mkdir()
    (run / "curves_2" / "metrics.csv").write_text("epoch,step,val/mse\n2,2,0.018\n3,3,0.017\n")
    ((found,), _) = read_runs([str(tmp_path)])
    assert found.curves["val/mse"] == [(0.0, 0.03), (1.0, 0.02), (2.0, 0.018), (3.0, 0.017)]


def test_curves_of_a_run_tracked_by_wandb(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    shutil.rmtree(run / "curves")
    (run / "tracking.json").write_text(json.dumps({"run_id": "abcd1234"}))
    make_wandb_file(run / "wandb" / "offline-run-20260131_120000-abcd1234", exit_code=None)
    make_wandb_file(
        run / "wandb" / "offline-run-20260131_130000-abcd1234", curve=(0.011, 0.01), first_epoch=2
    )
    make_wandb_file(run / "wandb" / "offline-run-20260131_110000-other123", "other123", curve=(0.9,) * 9)
    (run / "wandb" / "latest-run").symlink_to(run / "wandb" / "offline-run-20260131_130000-abcd1234")
    ((found,), notes) = read_runs([f"{tmp_path}/*/wandb"])
    assert found.curves["val/mse"] == [(0.0, 0.03), (1.0, 0.012), (2.0, 0.011), (3.0, 0.01)]
    assert found.run_id == "abcd1234" and notes == []


def test_wandb_files_do_where_the_folder_is_gone(tmp_path: Path) -> None:
    summary = {"test/emo3d": 0.6, "test/mse": 0.01, "test/judge": "face_clip"}
    kept = make_run(tmp_path / "runs" / "kept", emo3d=0.7)
    (kept / "tracking.json").write_text(json.dumps({"run_id": "kept1234"}))
    wandb = tmp_path / "wandb"
    make_wandb_file(wandb / "offline-run-20260131_110000-kept1234", "kept1234")
    make_wandb_file(wandb / "offline-run-20260131_120000-gone1234", "gone1234", loss__lambda_text=0.9)
    make_wandb_file(
        wandb / "offline-run-20260131_130000-gone1234",
        "gone1234",
        curve=(),
        summary=summary,
        loss__lambda_text=0.9,
    )
    make_wandb_file(wandb / "run-20260131_140000-dead1234", "dead1234", exit_code=None)
    make_wandb_file(
        wandb / "offline-run-20260131_150000-board123", "board123", model=None, job_type="leaderboard"
    )
    (wandb / "offline-run-20260131_160000-brok1234").mkdir()
    (wandb / "offline-run-20260131_160000-brok1234" / "run-brok1234.wandb").write_bytes(b":W&B")
    runs, notes = read_runs([str(tmp_path)])
    found = {run.name: run for run in runs}
    assert set(found) == {"kept", "run gone1234", "run dead1234"}
    gone = found["run gone1234"]
    assert gone.metrics == {"epoch": 1.0, "val/mse": 0.012, "test/emo3d": 0.6, "test/mse": 0.01}
    assert gone.config["loss.lambda_text"] == 0.9 and gone.config["head.hidden"] == "[256]"
    assert (gone.status, gone.group, gone.started) == ("finished", "a group", "2026-01-31 12:00:00")
    assert found["run dead1234"].status == "stopped" and found["kept"].metrics["test/emo3d"] == 0.7
    assert "1 W&B run: their folders are here, which count" in notes
    assert any("no training (its job type is leaderboard)" in note for note in notes)
    assert any("brok1234.wandb: damaged or empty" in note for note in notes)


def test_scores_of_other_conditions_are_kept_with_the_run(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    score(run, {"emo3d": 0.6}, part="val", k=5)
    ((found,), _) = read_runs([str(tmp_path)])
    assert found.metrics["val/emo3d"] == 0.6 and found.conditions["val"]["k"] == 5


def test_settings_are_those_that_omegaconf_reads(tmp_path: Path) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = hydra_compose(
            "train", ["run_dir=x", "optimizer.lr=1e-4", "name='2026-01-31'", "tags=[yes,'1e3']", "group='on'"]
        )
    RunFolder(tmp_path / "a").create(cfg)
    file = tmp_path / "a" / "config.yaml"
    text = file.read_text().replace("0.0001", "1e-4")
    file.write_text(text)
    plain = OmegaConf.to_container(OmegaConf.load(file))
    assert read_settings(file) == flat(plain) and read_settings(file)["optimizer.lr"] == 1e-4


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="a folder that cannot be read")
def test_a_folder_that_cannot_be_read_is_passed_by(outputs: Path) -> None:
    (outputs / "sweep").chmod(0)
    assert [run.name for run in read_runs([str(outputs)])[0]] == ["alone"]
    (outputs / "sweep").chmod(0o700)
