"""``multirun_sweeps/wandb``: what W&B's agent makes of them is a training; and an agent's run."""

from __future__ import annotations

import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from stub_wandb_server import Keeping, serve

from emo3d_exp.comparison import read_wandb_file
from emo3d_exp.tracking import WandbTracker

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "multirun_sweeps" / "wandb").glob("*.yaml"))
METHODS = {"grid", "random", "bayes"}


def chosen(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Values that a controller may choose: all of each list, both ends of each range."""
    values = {key: told.get("values") or [told["min"], told["max"]] for key, told in parameters.items()}
    rows = zip_longest(*values.values())
    firsts = {key: some[0] for key, some in values.items()}
    return [
        {key: firsts[key] if value is None else value for key, value in zip(values, row, strict=True)}
        for row in rows
    ]


def agents_command(told: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """The command line by W&B's own functions, put together as its agent does."""
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    given = create_sweep_command_args({"args": {key: {"value": value} for key, value in values.items()}})
    given |= {"program": [told["program"]], "env": ["/usr/bin/env"], "interpreter": ["python"]}
    command: list[str] = []
    for piece in create_sweep_command(list(told["command"])):
        macro = str(piece).startswith("${") and str(piece).endswith("}")
        command += given[piece[2:-1]] if macro else [str(piece)]
    return command


def composed(overrides: list[str]) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("train", overrides)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_the_agent_makes_of_a_sweep_file_composes(file: Path) -> None:
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert (told["name"], told["program"]) == (file.stem, "train.py")
    assert told["method"] in METHODS and told["metric"] == {"name": "val/mse", "goal": "minimize"}
    for values in chosen(told["parameters"]):
        env, python, program, *overrides = agents_command(told, values)
        assert (env, python, program) == ("/usr/bin/env", "python", "train.py")
        cfg = composed(overrides)
        for key, value in values.items():
            assert OmegaConf.select(cfg, "model.name" if key == "model" else key) == value


def test_there_are_sweeps() -> None:
    assert {file.stem for file in FILES} >= {"vae_clip_lambda", "clip_mlp_training"}


@pytest.fixture
def agent(no_wandb_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What W&B's agent sets for the process that it starts; the run's id."""
    chosen_file = tmp_path / "agent" / "config-run7.yaml"
    chosen_file.parent.mkdir()
    chosen_file.write_text("wandb_version: 1\nloss.lambda_text:\n  value: 0.25\n")
    variables = {
        "SWEEP_ID": "sweep5", "RUN_ID": "run7", "SWEEP_PARAM_PATH": str(chosen_file),
        "PROJECT": "theirs", "ENTITY": "them", "DIR": str(tmp_path / "agent"),
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    return "run7"


def start(run_dir: Path) -> WandbTracker:
    tracker = WandbTracker(project="ours", entity="us")
    tracker.start(run_dir, {"loss": {"lambda_text": 0.25}}, "a name", "g", ["a tag"], "train", None)
    return tracker


def test_an_agents_run_keeps_its_id_offline(agent: str, tmp_path: Path) -> None:
    tracker = start(tmp_path / "run")
    tracker.summary({"test/mse": 0.5})
    settings = tracker._run.settings
    assert (settings.project, settings.entity, settings.sweep_id) == ("theirs", "them", "sweep5")
    tracker.finish(0)
    assert (tracker.mode, tracker.run_id) == ("offline", agent)
    import wandb

    wandb.teardown()
    (file,) = (tmp_path / "run").glob(f"wandb/offline-run-*/run-{agent}.wandb")
    found = read_wandb_file(file)
    assert (found.name, found.group, found.summary["test/mse"]) == ("a name", "g", 0.5)
    assert found.config["loss"] == {"lambda_text": 0.25} and found.config["loss.lambda_text"] == 0.25


def test_the_summary_of_a_metric_that_sweeps_minimise_is_what_is_told_at_the_end(
    agent: str, tmp_path: Path
) -> None:
    """W&B's controller takes the least of the summary and of some of the history."""
    tracker = start(tmp_path / "run")
    (logger,) = tracker.lightning_loggers()
    for epoch, error in enumerate((3.0, 1.0, 2.0)):
        logger.log_metrics({"val/mse": error, "epoch": epoch}, step=epoch)
    tracker.summary({"val/mse": 1.0})
    tracker.summary({"test/mse": 0.5})
    tracker.finish(0)
    import wandb

    wandb.teardown()
    (file,) = (tmp_path / "run").glob("wandb/offline-run-*/run-*.wandb")
    found = read_wandb_file(file)
    assert found.history["val/mse"] == [(0.0, 3.0), (1.0, 1.0), (2.0, 2.0)]
    assert found.summary["val/mse"] == 1.0


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_agents_run_is_the_sweeps_on_the_server(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    class Listening(Keeping):
        def _query(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
            if operation == "UpsertBucket":
                asked.append(json.loads(json.dumps(given)))
            return super()._query(operation, given)

    with serve(Listening) as server:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
        tracker = start(tmp_path / "run")
        tracker.finish(0)
    assert tracker.mode == "online"
    first = asked[0]
    assert (first["name"], first["sweep"], first["project"], first["entity"]) == (
        agent, "sweep5", "theirs", "them"
    )  # fmt: skip
