"""Servers that refuse, stall or die: a run goes on, holds every figure, and its message names the cure."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from faulty_wandb_server import Faulty
from stub_wandb_server import serve

from emo3d_exp.comparison import WandbRun, read_wandb_file
from emo3d_exp.errors import DataError
from emo3d_exp.tracking import WandbTracker
from emo3d_exp.tracking.wandb_faults import CURES, USUAL

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.usefixtures("no_wandb_settings")]

AT_START = ("401", "403", "404", "409", "429", "500", "503", "half", "malformed", "empty", "nothing",
            "list", "portal", "reset", "hang_up", "redirect", "elsewhere", "huge", "garbage", "silence",
            "trickle")  # fmt: skip
MIDWAY = ("401", "403", "404", "429", "500", "503", "malformed", "half", "reset", "redirect", "elsewhere",
          "garbage", "huge", "portal", "silence", "dies", "slow")  # fmt: skip
QUICK = {(0, "401"), (0, "reset"), (4, "403")}
"""The others take a minute or two together, and are marked slow."""
SLOW = [pytest.mark.slow]
CAMPAIGN = [
    pytest.param(after, fault, id=f"{fault}-{after}", marks=SLOW * ((after, fault) not in QUICK))
    for after, faults in ((0, AT_START), (4, MIDWAY), (7, ("dies", "500", "reset", "silence")))
    for fault in faults
]  # fmt: skip
HELP = [told for _, told in CURES] + [USUAL]


@contextmanager
def unreachable(kind: str) -> Iterator[str]:
    """An address at which nothing answers, or nothing that speaks TLS."""
    if kind == "nobody":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        return
    with serve(Faulty) as server:
        server.fault, server.after = "garbage", 10**6
        yield f"https://127.0.0.1:{server.server_port}"


def work(run_dir: Path) -> WandbTracker:
    """What a training asks of its tracker, with an evaluation as it is left in the run folder."""
    folder = run_dir / "evaluation" / "test"
    folder.mkdir(parents=True)
    metrics = {"mse": 0.0125, "emo3d": 0.612, "r_at_10": 0.42}
    content = {"metrics": metrics, "references": {}, "provenance": {}}
    (folder / "metrics.json").write_text(json.dumps(content))
    tracker = WandbTracker(mode="online", start_timeout_s=2, finish_timeout_s=2)
    tracker.start(run_dir, {"seed": 3}, "a name", "a group", [], "train", None)
    for epoch in range(3):
        for logger in tracker.lightning_loggers()[:1]:
            logger.log_metrics({"val/mse": 1 / (1 + epoch), "epoch": epoch}, step=epoch)
    tracker.summary({f"test/{name}": value for name, value in metrics.items()})
    tracker.report(folder)
    tracker.finish(0)
    tracker.finish(0)
    return tracker


def kept(run_dir: Path, run_id: str | None) -> WandbRun:
    """The run as it lies on disk, once W&B's service has closed the file."""
    import wandb

    wandb.teardown()
    parts = sorted(run_dir.glob(f"wandb/*run-*/run-{run_id}.wandb"), key=lambda file: file.stat().st_size)
    for _ in range(200):
        try:
            found = read_wandb_file(parts[-1])
        except DataError:
            found = WandbRun()
        if found.exit_code is not None:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{parts}: no end")


def assert_nothing_is_lost(tracker: WandbTracker, run_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = kept(run_dir, tracker.run_id)
    told = json.loads((run_dir / "evaluation" / "test" / "metrics.json").read_text())["metrics"]
    assert {name: found.summary[f"test/{name}"] for name in told} == told
    assert found.history["val/mse"] == [(0, 1), (1, 1 / 2), (2, 1 / 3)]
    assert found.exit_code == 0
    said = [record.getMessage() for record in caplog.records if record.name.startswith("emo3d_exp")]
    assert "k" * 40 not in "".join(said) and "\n" not in "".join(said)
    assert said and any(cure in message for message in said for cure in HELP)
    assert "wandb sync" in tracker.where()


@pytest.mark.parametrize(("after", "fault"), CAMPAIGN)
def test_nothing_is_lost_to_a_server_that_fails(
    after: int, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(Faulty) as server, caplog.at_level(logging.WARNING):
        server.fault, server.after = fault, after
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
        tracker = work(tmp_path / "run")
        assert server.count > 0
        if fault == "slow":  # late is no fault
            assert kept(tmp_path / "run", tracker.run_id).summary["test/emo3d"] == 0.612
            return
        if fault == "nothing":  # of which W&B's own service dies, so that its file has no end
            assert "service on this machine has died" in caplog.text
            assert json.loads((tmp_path / "run/evaluation/test/metrics.json").read_text())["metrics"]
            return
        assert_nothing_is_lost(tracker, tmp_path / "run", caplog)


@pytest.mark.parametrize("kind", ["nobody", pytest.param("no TLS", marks=pytest.mark.slow)])
def test_nothing_is_lost_where_no_server_answers(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with unreachable(kind) as address, caplog.at_level(logging.WARNING):
        monkeypatch.setenv("WANDB_BASE_URL", address)
        monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
        assert_nothing_is_lost(work(tmp_path / "run"), tmp_path / "run", caplog)
