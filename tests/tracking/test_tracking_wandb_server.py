from __future__ import annotations

import logging
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stub_wandb_server import Keeping, Refusing, serve

from emo3d_exp.tracking import WandbTracker

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.usefixtures("no_wandb_settings")]

KEY = "k" * 40


def use_server(monkeypatch: pytest.MonkeyPatch, port: int, key: str = KEY) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("WANDB_API_KEY", key)


def start(tracker: WandbTracker, run_dir: Path, resume_id: str | None = None) -> WandbTracker:
    tracker.start(run_dir, {"seed": 3}, "a name", None, [], "train", resume_id)
    return tracker


def write_curve(tracker: WandbTracker, epochs: int) -> None:
    (logger,) = tracker.lightning_loggers()
    for epoch in range(epochs):
        logger.log_metrics({"val/mse": 1 / (1 + epoch), "epoch": epoch}, step=epoch)


def assert_went_offline(tracker: WandbTracker, run_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert tracker.mode == "offline"
    (message,) = [record.getMessage() for record in caplog.records if record.name.startswith("emo3d_exp")]
    assert "offline" in message
    assert "\n" not in message
    assert KEY not in message
    write_curve(tracker, 2)
    tracker.summary({"test/mse": 0.1})
    tracker.finish(0)
    (part,) = (run_dir / "wandb").resolve().glob("offline-run-*")
    assert tracker.where().endswith(f"wandb sync {part}")


@pytest.mark.parametrize("status", [401, 500, 0], ids=["refuses", "fails", "is silent"])
def test_server_that_does_not_take_the_run(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(Refusing, status) as server, caplog.at_level(logging.WARNING):
        use_server(monkeypatch, server.server_port)
        began = time.monotonic()
        tracker = start(WandbTracker(start_timeout_s=2), tmp_path)
        assert time.monotonic() - began < 60, "W&B alone would try for minutes"
        assert_went_offline(tracker, tmp_path, caplog)


def test_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    use_server(monkeypatch, port)
    with caplog.at_level(logging.WARNING):
        tracker = start(WandbTracker(start_timeout_s=2), tmp_path)
    assert_went_offline(tracker, tmp_path, caplog)


def test_key_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use_server(monkeypatch, 1, key="short-secret")
    with caplog.at_level(logging.WARNING):
        tracker = start(WandbTracker(mode="online"), tmp_path)
    assert "short-secret" not in caplog.text
    assert_went_offline(tracker, tmp_path, caplog)


def test_online_run_is_continued_online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Keeping) as server:
        use_server(monkeypatch, server.server_port)
        first = start(WandbTracker(), tmp_path)
        assert first.mode == "online"
        write_curve(first, 3)
        first.summary({"test/mse": 0.0125})
        first.finish(0)
        second = start(WandbTracker(), tmp_path, first.run_id)
        second.summary({"val/mse_final": 0.02})
        second.finish(0)
        page = server.page
        assert page["id"] == first.run_id == second.run_id
        assert [row["val/mse"] for row in page["history"]] == [1, 1 / 2, 1 / 3]
        assert (page["summary"]["test/mse"], page["summary"]["val/mse_final"]) == (0.0125, 0.02)
        assert f"/runs/{first.run_id}" in second.where()
        assert "wandb sync" not in second.where()


def test_printed_command_uploads_an_offline_run_and_its_evaluation_to_one_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(WandbTracker(mode="offline"), tmp_path)
    write_curve(first, 3)
    first.summary({"test/mse": 0.0125})
    first.finish(0)
    second = start(WandbTracker(mode="offline"), tmp_path, first.run_id)
    second.summary({"val/mse_final": 0.02})
    second._run.log({"val/shown": 7})
    second.finish(0)
    command = second.where().partition("upload it with: ")[2]
    with serve(Keeping) as server:
        use_server(monkeypatch, server.server_port)
        subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            check=True,
            timeout=60,
            capture_output=True,
            cwd=tmp_path,
        )
        page = server.page
    assert (page["id"], page["job_type"]) == (first.run_id, "train")
    assert [row["_step"] for row in page["history"]] == [0, 1, 2, 3]
    assert [row.get("val/mse") for row in page["history"]] == [1, 1 / 2, 1 / 3, None]
    summary = page["summary"]
    assert (summary["test/mse"], summary["val/mse_final"], summary["val/mse"]) == (0.0125, 0.02, 1 / 3)
    assert "wandb sync" not in second.where()


def test_server_that_goes_away_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Keeping) as server:
        use_server(monkeypatch, server.server_port)
        tracker = start(WandbTracker(finish_timeout_s=1), tmp_path)
    write_curve(tracker, 3)
    began = time.monotonic()
    tracker.finish(0)
    assert time.monotonic() - began < 60
    assert "wandb sync --include-online" in tracker.where()
