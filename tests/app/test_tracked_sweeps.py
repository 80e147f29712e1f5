"""Runs of one sweep where they are tracked: one group, what is swept as name and tags."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from emo3d_exp.app.tracked_sweeps import SweepJob, kept_group, sweep_job

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json
from emo3d_exp.app.cli import script
from emo3d_exp.app.tracked_names import names_to_keep, page_names

@script("train")
def main(cfg):
    names = page_names(cfg, {}, "train")
    assert page_names(cfg, names_to_keep(names, cfg), "evaluate") == names
    with open("names.jsonl", "a") as file:
        file.write(json.dumps(names) + chr(10))

main()
"""


def named(folder: Path, *arguments: str, **variables: str) -> list[dict[str, Any]]:
    """The names of each job's page."""
    written = folder / "names.jsonl"
    written.unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), **variables},
        check=True,
        timeout=120,
        capture_output=True,
    )
    return [json.loads(line) for line in written.read_text().splitlines()]


def test_jobs_of_a_multirun_share_a_group_and_are_told_apart_by_what_is_swept(tmp_path: Path) -> None:
    sweep = ("-m", "model=vae_clip", "loss.lambda_text=0.5,1", "seed=range(1,3)", "tags=[mine]")
    found = named(tmp_path, *sweep)
    (folder,) = (tmp_path / "outputs").glob("*_multirun")
    assert {names["group"] for names in found} == {folder.name}
    expected = [(a, b) for a in ("0.5", "1") for b in ("1", "2")]
    assert [names["name"] for names in found] == [f"lambda_text={a} seed={b}" for a, b in expected]
    for names, (a, b) in zip(found, expected, strict=True):
        assert names["tags"][0] == "mine" and names["tags"][-2:] == [f"loss.lambda_text={a}", f"seed={b}"]
        assert not [tag for tag in names["tags"] if tag.startswith("model=")]


def test_what_is_given_wins_and_a_sweep_that_goes_on_keeps_its_group(tmp_path: Path) -> None:
    sweep = ("-m", "model=ridge,nearest", "hydra.sweep.dir=outputs/mine")
    (first, _), (again, _) = named(tmp_path, *sweep), named(tmp_path, *sweep)
    assert first["group"].startswith("mine-20") and again == first
    (other, _) = named(tmp_path, *sweep[:2], "hydra.sweep.dir=elsewhere/mine", "name=a", "group=b")
    assert (other["name"], other["group"]) == ("a", "b")
    assert "model=ridge" in other["tags"]


def test_a_sweep_file_names_its_group_and_one_value_of_it_is_not_swept(tmp_path: Path) -> None:
    given = ("sweep=benchmark", "model=ridge,nearest", "seed=1", "group=null")
    found = named(tmp_path, *given)
    assert [names["name"] for names in found] == ["model=ridge", "model=nearest"]
    assert {names["group"][:12] for names in found} == {"benchmark-20"}
    (named_by_file, _) = named(tmp_path, *given[:-1])
    assert named_by_file["group"] == "benchmark"


def test_a_run_alone_is_grouped_by_model_and_data(tmp_path: Path) -> None:
    (names,) = named(tmp_path, "model=ridge")
    assert (names["name"], names["group"]) == ("ridge_seed1", "ridge-mini")


def test_the_run_of_an_agent_is_named_by_what_the_agent_chose(tmp_path: Path) -> None:
    chosen = tmp_path / "config.yaml"
    chosen.write_text("wandb_version: 1\nloss.lambda_text: {value: 0.5}\n")
    agent = {"WANDB_SWEEP_ID": "s1", "WANDB_RUN_ID": "r1", "WANDB_SWEEP_PARAM_PATH": str(chosen)}
    (names,) = named(tmp_path, "model=vae_clip", "loss.lambda_text=0.5", **agent)
    assert (names["name"], names["group"]) == ("lambda_text=0.5", "sweep-s1")
    assert names["tags"][-1] == "loss.lambda_text=0.5"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        named(tmp_path, "-m", "seed=1,2", **agent)
    assert b"leave -m" in refused.value.stderr


def test_names_and_tags_are_no_longer_than_wandb_takes() -> None:
    long = SweepJob("g", (f"{'parent.' * 9}key=0.25", f"texts=[{'a,' * 60}]", "a.lr=1", "b.lr=2"))
    assert [len(tag) <= 64 for tag in long.tags] == [True] * 4
    assert long.tags[0] == "key=0.25" and long.tags[1].endswith("…")
    assert long.tags[2:] == ["a.lr=1", "b.lr=2"]
    assert len(long.name) == 128


def test_processes_that_begin_at_once_agree_on_the_group(tmp_path: Path) -> None:
    labels = [f"label{number}" for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        groups = set(pool.map(lambda label: kept_group(tmp_path, label), labels))
    assert len(groups) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["group.json"]


def test_processes_agree_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with ThreadPoolExecutor(16) as pool:
        groups = set(pool.map(lambda number: kept_group(tmp_path, f"label{number}"), range(16)))
    assert groups == {json.loads((tmp_path / "group.json").read_text())["group"]}
    assert not [file for file in tmp_path.iterdir() if file.name not in ("group.json", ".group.json.first")]
    assert {kept_group(tmp_path, "later")} == groups


def test_no_sweep_where_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
    assert sweep_job() is None
