from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from emo3d_exp.tracking import SampleFaces
from emo3d_exp.tracking.wandb_faults import faults


@pytest.fixture
def no_wandb_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A machine on which nobody ever used W&B, and a W&B that has not started yet."""
    import wandb

    home = tmp_path_factory.mktemp("home")
    # first of all, or the address of a service that is gone would come back into the environment afterwards
    wandb.teardown()
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(home / "config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(home / "cache"))
    # the tracker sets it where nobody else has; set here, it is restored afterwards
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    yield
    with suppress(*faults()):  # of a service that has died
        wandb.teardown()


@pytest.fixture
def samples() -> SampleFaces:
    """Ten prompts; the faces are plain squares whose grey is the row's number."""
    rng = np.random.default_rng(0)
    emotions = np.zeros((10, 8), np.float32)
    emotions[:, 3] = 0.8
    emotions[:, 4] = 0.3
    shade = np.arange(10, dtype=np.uint8)[:, None, None, None]
    return SampleFaces(
        sample_id=np.arange(100, 110),
        text=tuple(f"prompt number {row}" for row in range(10)),
        emotions=emotions,
        mse=rng.random(10),
        emo3d=0.5 + rng.random(10) / 2,
        truth=np.broadcast_to(shade, (10, 16, 16, 3)),
        prediction=np.broadcast_to(shade + 100, (10, 16, 16, 3)),
    )
