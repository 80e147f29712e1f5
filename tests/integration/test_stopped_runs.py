"""``python train.py`` that is killed, moved, asked to stop and resumed ends like one that was left alone."""

import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, Command, Done, run
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from safetensors.numpy import load_file
from tiny_language_models import FEELINGS, order_task, saved

from emo3d_exp.app.cli import CONF
from emo3d_exp.app.train import train_in
from emo3d_exp.runs import RunFolder

sys.path.append(str(ROOT / "tests" / "data"))
from published import row, write_csv

EPOCHS = 4


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A language model on disk, a table in the published layout, and a training of some seconds."""
    folder = tmp_path_factory.mktemp("inputs")
    saved(folder / "bert", words=[*FEELINGS, "with"])
    texts, faces = order_task(300, seed=0)
    rows = [
        row(n, text_1=text, text_2=None, text_3=None, blenshape_score_1=str(face.round(4)),
            **{f"blenshape_score_{k}": None for k in (2, 3, 4)}, **{f"img_{k}": None for k in (1, 2, 3, 4)})
        for n, (text, face) in enumerate(zip(texts, faces, strict=True))
    ]  # fmt: skip
    write_csv(folder / "table", rows[:240], rows[240:270], rows[270:])
    return [
        "model=lm_mlp", "backbone=hf", "backbone.name=tiny", f"backbone.model={folder / 'bert'}",
        "backbone.max_length=24", "backbone.trainable=true", "backbone.tuning.lr=0.001",
        "data=emo3d", f"data.root={folder / 'table'}", "batch_size=8", f"trainer.max_epochs={EPOCHS}",
        "patience=null", "evaluate=false", "tracking=none", "threads=1",
    ]  # fmt: skip


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
    assert "stopped; go on from its last whole epoch with: python" in said
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
