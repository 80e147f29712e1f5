"""A run whose settings cannot work leaves its folder free; one that has trained, or was stopped, keeps it."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest
from hydra.errors import InstantiationException
from tiny_task import config

from emo3d_exp.app.holding import begun
from emo3d_exp.errors import ConfigError, DataError, Emo3DError, WeightsUnavailableError
from emo3d_exp.runs import RunFolder

MISTAKES = (ConfigError, DataError, WeightsUnavailableError, InstantiationException)
OTHERS = (Emo3DError, ValueError, KeyboardInterrupt, SystemExit, MemoryError)


def fail(folder: Path, kind: type[BaseException], made: str | None = None) -> RunFolder:
    cfg = config(folder, "model=clip_mlp")
    run = RunFolder(cfg.run_dir)
    with pytest.raises(kind), begun(run, cfg):
        assert run.config().model.name == "clip_mlp"
        if made is not None:
            file = run.path / made
            file.parent.mkdir(exist_ok=True)
            file.touch()
        raise kind("mend this")
    return run


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_refused_run_leaves_its_folder_free(kind: type[Exception], tmp_path: Path) -> None:
    fail(tmp_path, kind).require_unused()
    fail(tmp_path, kind)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_run_that_ends_otherwise_can_go_on(kind: type[BaseException], tmp_path: Path) -> None:
    run = fail(tmp_path, kind)
    with pytest.raises(ConfigError, match="already holds a run"):
        run.require_unused()


@pytest.mark.parametrize("made", ["checkpoints/last.ckpt", "weights.safetensors"])
def test_what_was_trained_is_kept(made: str, tmp_path: Path) -> None:
    assert fail(tmp_path, ConfigError, made).config_file.is_file()


def test_a_mistake_behind_another_error_counts(tmp_path: Path) -> None:
    cfg = config(tmp_path, "model=clip_mlp")
    run = RunFolder(cfg.run_dir)
    with pytest.raises(RuntimeError), begun(run, cfg):
        try:
            raise DataError("row 3")
        except DataError as error:
            raise RuntimeError("library") from error
    run.require_unused()


def test_a_full_disk_is_no_refusal(tmp_path: Path) -> None:
    cfg = config(tmp_path, "model=clip_mlp")
    run = RunFolder(cfg.run_dir)
    with pytest.raises(InstantiationException), begun(run, cfg):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise InstantiationException("head") from error
    assert run.config_file.is_file()


def test_the_next_run_in_the_folder_gets_a_page_of_its_own(tmp_path: Path) -> None:
    assert not fail(tmp_path, ConfigError, "tracking.json").tracking_file.exists()
    assert fail(tmp_path / "other", Emo3DError, "tracking.json").tracking_file.exists()


def test_another_run_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    cfg = config(tmp_path, "model=clip_mlp")
    run = RunFolder(cfg.run_dir)
    run.create(cfg)
    with pytest.raises(ConfigError, match="already holds a run"), begun(run, cfg):
        sys.exit("begun in another's folder")
    assert run.config_file.is_file()
