"""``python train.py`` that is killed, moved, asked to stop and resumed ends like one that was left alone."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from commands import Command, Done, run
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from language_training import language_training
from safetensors.numpy import load_file

from emo3d_exp.app.cli import CONF
from emo3d_exp.app.train import train_in
from emo3d_exp.runs import RunFolder

EPOCHS = 4


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return language_training(tmp_path_factory.mktemp("inputs"), EPOCHS, samples=300)


def left_alone(arguments: list[str], folder: Path) -> RunFolder:
    """The same training without a break, in this process, which has loaded the libraries already."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", [*arguments, f"run_dir={folder}"])
    whole = RunFolder(folder)
    whole.create(cfg)
    train_in(whole, cfg)
    return whole


def stop_after_an_epoch(process: Command, checkpoint: Path, number: signal.Signals) -> Done:
    """Send a signal into the epoch after the next that is written."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.is_file() else 0
    end = time.monotonic() + 120
    while not checkpoint.is_file() or checkpoint.stat().st_mtime_ns == before:
        assert process.running and time.monotonic() < end, process.wait()
        time.sleep(0.005)
    process.send(number)
    return process.wait()


def test_killed_moved_terminated_and_resumed(arguments: list[str], tmp_path: Path, cache: Path) -> None:
    training = Command(cache, tmp_path, "train.py", *arguments, "run_dir=killed")
    killed = stop_after_an_epoch(training, tmp_path / "killed" / "checkpoints" / "last.ckpt", signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "weights.safetensors").exists()

    moved = (tmp_path / "killed").rename(tmp_path / "moved")
    training = Command(cache, tmp_path, "train.py", "run_dir=moved", "resume=true")
    asked = stop_after_an_epoch(training, moved / "checkpoints" / "last.ckpt", signal.SIGTERM)
    assert asked.returncode == 128 + signal.SIGTERM
    said = asked.stdout + asked.stderr
    assert "Traceback" not in said
    assert "stopped; go on from its last checkpoint with: python" in said
    assert f"run_dir={moved} resume=true" in said
    assert not (moved / "weights.safetensors").exists()

    last = Command(cache, tmp_path, "train.py", "run_dir=moved", "resume=true")
    expected = load_file(left_alone(arguments, tmp_path / "alone").weights_file)
    done = last.wait()
    assert done.returncode == 0, done
    found = load_file(moved / "weights.safetensors")
    assert expected.keys() == found.keys()
    assert any("word_embeddings" in name for name in found)
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, atol=1e-6, err_msg=name)


def test_a_clip_backbone_is_refused_before_any_work(tmp_path: Path, cache: Path) -> None:
    done = run(cache, tmp_path, "train.py", "backbone.trainable=true", "run_dir=run")
    assert done.returncode == 2
    assert "is a CLIP model, which stays frozen" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "config.yaml").exists()
