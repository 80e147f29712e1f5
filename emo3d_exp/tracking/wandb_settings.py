"""How W&B is started: never with a question, never with a long wait."""

from __future__ import annotations

import os
from typing import Any

from emo3d_exp.tracking.mode import Mode, choose_mode, find_key


def decided_mode(configured: str | None) -> tuple[Mode, str | None]:
    """The mode of a run, and why where it is another than the one asked for.

    Raises:
        ConfigError: a mode that does not exist.
    """
    if configured == "disabled":
        return "disabled", None
    import wandb

    session = wandb.setup(wandb.Settings(silent=True)).settings
    choice = choose_mode(
        configured,
        os.environ,
        has_key=lambda: bool(session.api_key) or find_key(session.base_url, os.environ),
        remembered=session.mode,
    )
    return choice.mode, choice.reason


def has_key() -> bool:
    """Whether W&B has a key for the server that it would use; none is checked, and no connection is made."""
    import wandb

    session = wandb.setup(wandb.Settings(silent=True)).settings
    return bool(session.api_key) or find_key(session.base_url, os.environ)


def run_settings(start_timeout_s: float, finish_timeout_s: float, system_metrics: bool) -> Any:
    """W&B's settings for a run."""
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",
        init_timeout=start_timeout_s,
        # Never wait at a question, should W&B look for the key elsewhere than we did.
        login_timeout=1.0,
        finish_timeout=finish_timeout_s,
        finish_timeout_raises=True,
        disable_code=True,
        x_disable_stats=not system_metrics,
    )


def place_of_page(
    project: str, entity: str | None, job_type: str, resume_id: str | None
) -> dict[str, str | None]:
    """Which page a run is; project, entity and id are the agent's where ``wandb agent`` has started it."""
    agent = "WANDB_SWEEP_ID" in os.environ
    return {
        "project": None if agent else project,
        "entity": None if agent else entity,
        "id": None if agent else resume_id,
        # A continued page stays what it was, such as a training's.
        "job_type": job_type if resume_id is None else None,
        "resume": "allow",
    }
