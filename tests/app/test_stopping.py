"""What a run says that is asked to end; whole processes are tested in tests/integration."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from emo3d_exp.app.stopping import Stopped, how_to_go_on, stoppable
from emo3d_exp.runs import RunFolder

CFG = OmegaConf.create({"model": {"name": "clip_mlp"}})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_sigterm_unwinds_and_says_how_to_go_on(run: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    closed = []
    with pytest.raises(Stopped) as caught, stoppable(run, CFG):
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
    with pytest.raises(Stopped) as caught, stoppable(run, CFG):
        raise KeyboardInterrupt
    assert caught.value.code == 130
    assert "stopped" in caplog.text


def test_errors_and_good_ends_say_nothing(run: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    with stoppable(run, CFG):
        pass
    with pytest.raises(ValueError), stoppable(run, CFG):
        raise ValueError
    assert caplog.text == ""


def test_who_listens_already_is_left_alone(run: RunFolder) -> None:
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(True))
    try:
        with stoppable(run, CFG):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [True]


def test_the_line_fits_what_is_there(run: RunFolder) -> None:
    assert "from the start" in how_to_go_on(run, CFG)
    run.checkpoints.mkdir(parents=True)
    run.last_checkpoint.touch()
    assert "from its last checkpoint" in how_to_go_on(run, CFG)
    run.weights_file.touch()
    assert "from its last checkpoint" in how_to_go_on(run, CFG)
    run.model_file.write_text('{"val/mse": 0.01}')
    assert f"python evaluate.py run_dir={run.path}" in how_to_go_on(run, CFG)
    two_stages = OmegaConf.create({"model": {"name": "face_clip"}})
    assert "resume=true" in how_to_go_on(run, two_stages)


def test_a_job_of_a_sweep_goes_on_with_its_sweep(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HydraConfig, "initialized", staticmethod(lambda: True))
    monkeypatch.setattr(
        HydraConfig, "get", staticmethod(lambda: OmegaConf.create({"mode": RunMode.MULTIRUN}))
    )
    assert "start the sweep again with resume=true" in how_to_go_on(run, CFG)
