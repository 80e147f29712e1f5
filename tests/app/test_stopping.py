"""What a run says that is asked to end; whole processes are tested in tests/integration."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from emo3d_exp.app.stopping import Stopped, how_to_go_on, stoppable
from emo3d_exp.runs import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_sigterm_unwinds_and_says_how_to_go_on(run: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    closed = []
    with pytest.raises(Stopped) as caught, stoppable(run):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            closed.append(True)
    assert caught.value.code == 143
    assert closed == [True]
    assert f"run_dir={run.path} resume=true" in caplog.text
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_ctrl_c_does_too(run: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Stopped) as caught, stoppable(run):
        raise KeyboardInterrupt
    assert caught.value.code == 130
    assert "stopped" in caplog.text


def test_errors_and_good_ends_say_nothing(run: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    with stoppable(run):
        pass
    with pytest.raises(ValueError), stoppable(run):
        raise ValueError
    assert caplog.text == ""


def test_who_listens_already_is_left_alone(run: RunFolder) -> None:
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(True))
    try:
        with stoppable(run):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [True]


def test_the_line_fits_what_is_there(run: RunFolder) -> None:
    assert "from the start" in how_to_go_on(run)
    run.checkpoints.mkdir(parents=True)
    run.last_checkpoint.touch()
    assert "from its last whole epoch" in how_to_go_on(run)
    run.weights_file.touch()
    assert f"python evaluate.py run_dir={run.path}" in how_to_go_on(run)
