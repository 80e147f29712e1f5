"""Weights & Biases, online where there is a key and a server, else offline in the run folder."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.tracking.mode import Mode, choose_mode, find_key
from emo3d_exp.tracking.samples import SampleFaces, spread
from emo3d_exp.tracking.tracker import Tracker
from emo3d_exp.tracking.wandb_report import evaluation_shown, leaderboard_shown
from emo3d_exp.tracking.wandb_summary import keep_summary, repeat_summary
from emo3d_exp.tracking.wandb_tables import pictures_kept_in, sample_table

log = logging.getLogger(__name__)


class WandbTracker(Tracker):
    """One W&B run. Nothing prompts, and no server that refuses or is silent stops the training.

    Args:
        project: W&B project. entity: user or team; None: the account's default.
        mode: ``online``, ``offline``, ``disabled``; None: see ``choose_mode``.
        start_timeout_s: seconds that the server has to accept the run before it goes offline.
        finish_timeout_s: seconds that the upload has at the end; what is left stays on disk.
        table_rows: at most so many rows in the per-sample table of an evaluation.
        system_metrics: also record load of CPU, GPU and memory.
    """

    def __init__(
        self,
        project: str = "emo3d",
        entity: str | None = None,
        mode: str | None = None,
        start_timeout_s: float = 10.0,
        finish_timeout_s: float = 120.0,
        table_rows: int = 64,
        system_metrics: bool = False,
    ) -> None:
        self._project = project
        self._entity = entity
        self._configured_mode = mode
        self._start_timeout = start_timeout_s
        self._finish_timeout = finish_timeout_s
        self._table_rows = table_rows
        self._system_metrics = system_metrics
        self._mode: Mode = "disabled"
        self._run: Any = None
        self._folder = Path()
        self._finished = False
        self._upload_incomplete = False

    @property
    def mode(self) -> Mode:
        """``online``, ``offline`` or ``disabled``, as it was decided by ``start``."""
        return self._mode

    def start(
        self,
        run_dir: Path,
        config: Mapping[str, Any],
        name: str,
        group: str | None,
        tags: Sequence[str],
        job_type: str,
        resume_id: str | None,
    ) -> None:
        # W&B's own usage reports would look for its server in offline mode too.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        self._folder = Path(run_dir).resolve() / "wandb"
        self._mode, reason = self._choose_mode()
        if self._mode == "disabled":
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        page = {
            "dir": str(self._folder.parent),
            "config": dict(config),
            "name": name,
            "group": group,
            "tags": list(tags),
            "id": resume_id,
            # A continued page stays what it was, such as a training's.
            "job_type": job_type if resume_id is None else None,
            "resume": "allow",
        }
        if self._mode == "online":
            reason = self._try_online(page)
        if reason is not None:
            log.warning("W&B: %s; this run is tracked offline.", reason)
        if self._run is None:
            self._start_offline(page)
        self._run.define_metric("*", step_metric="epoch", step_sync=False)
        if resume_id is not None and self._mode == "offline":
            repeat_summary(self._run, self._folder)

    def _choose_mode(self) -> tuple[Mode, str | None]:
        if self._configured_mode == "disabled":
            return "disabled", None
        import wandb

        session = wandb.setup(wandb.Settings(silent=True)).settings
        choice = choose_mode(
            self._configured_mode,
            os.environ,
            has_key=lambda: bool(session.api_key) or find_key(session.base_url, os.environ),
            remembered=session.mode,
        )
        return choice.mode, choice.reason

    def _settings(self) -> Any:
        import wandb

        return wandb.Settings(
            silent=True,
            console="off",
            init_timeout=self._start_timeout,
            # Never wait at a question, should W&B look for the key elsewhere than we did.
            login_timeout=1.0,
            finish_timeout=self._finish_timeout,
            finish_timeout_raises=True,
            disable_code=True,
            x_disable_stats=not self._system_metrics,
        )

    def _init(self, mode: Mode, page: Mapping[str, Any]) -> Any:
        import wandb

        run = wandb.init(
            project=self._project,
            entity=self._entity,
            mode=mode,
            reinit="finish_previous",
            settings=self._settings(),
            **page,
        )
        if run.disabled:
            raise wandb.errors.CommError("the login was not answered")
        return run

    def _try_online(self, page: Mapping[str, Any]) -> str | None:
        """Start online; on refusal or silence return why, on one line and without the key."""
        import wandb

        try:
            self._run = self._init("online", page)
        except (wandb.Error, OSError, TimeoutError) as error:
            self._mode = "offline"
            return f"no online run ({_one_line(error)})"
        return None

    def _start_offline(self, page: Mapping[str, Any]) -> None:
        import wandb

        try:
            self._run = self._init("offline", page)
        except wandb.errors.UsageError as error:
            raise ConfigError(f"tracking: W&B does not take these settings: {_one_line(error)}") from error

    @property
    def run_id(self) -> str | None:
        return None if self._run is None else self._run.id

    def lightning_loggers(self) -> list[Any]:
        """Lightning's WandbLogger on the started run; curves are drawn over ``epoch``."""
        if self._run is None:
            return []
        from pytorch_lightning.loggers import WandbLogger

        return [WandbLogger(experiment=self._run, project=self._project, save_dir=str(self._folder.parent))]

    def summary(self, metrics: Mapping[str, float | str]) -> None:
        if self._run is not None:
            self._run.summary.update({k: v if isinstance(v, str) else float(v) for k, v in metrics.items()})

    def rows(self, count: int) -> np.ndarray:
        return spread(count, self._table_rows if self._run is not None else 0)

    def report(
        self, evaluation_folder: Path, samples: SampleFaces | None = None, face: Path | None = None
    ) -> None:
        """As ``Tracker.report``, on the page: what ``evaluation_shown`` lists, ``samples``, ``face_3d``."""
        if self._run is None:
            return
        import wandb

        folder = Path(evaluation_folder)
        shown = evaluation_shown(folder)
        if samples is not None:
            shown["samples"] = sample_table(samples.select(spread(len(samples), self._table_rows)))
        if face is not None:
            shown["face_3d"] = wandb.Object3D(str(face))
        self._log({f"{folder.name}/{key}": value for key, value in shown.items()})

    def leaderboard(self, folder: Path) -> None:
        """As ``Tracker.leaderboard``, on the page: what :func:`leaderboard_shown` lists."""
        if self._run is not None:
            self._log(leaderboard_shown(Path(folder)))

    def _log(self, shown: Mapping[str, Any]) -> None:
        if shown:
            with pictures_kept_in(self._folder):
                self._run.log(dict(shown))

    def finish(self, exit_code: int = 0) -> None:
        """Close the page. What goes wrong here is a warning: the run itself is already over."""
        if self._run is None or self._finished:
            return
        import wandb

        self._finished = True
        keep_summary(self._run, self._folder)
        try:
            self._run.finish(exit_code=exit_code)
        except (wandb.Error, OSError) as error:  # a TimeoutError is an OSError
            self._upload_incomplete = self._mode == "online"
            log.warning("W&B: the run was not closed properly (%s).", _one_line(error))

    def where(self) -> str:
        if self._run is None:
            return f"W&B is disabled; results are in {self._folder.parent}"
        upload = self._upload_command()
        if self._mode == "offline":
            return f"W&B run {self._run.id} is offline; upload it with: {upload}"
        return f"W&B: {self._run.url}" + (
            f" (a part is not there; upload it with: {upload})" if upload else ""
        )

    def _upload_command(self) -> str | None:
        """The shell command that uploads this run's waiting parts, the oldest first."""
        parts = sorted(self._folder.glob(f"offline-run-*/run-{self._run.id}.wandb"))
        waiting = [part.parent for part in parts if not part.with_name(f"{part.name}.synced").exists()]
        options = ""
        if self._upload_incomplete:
            options = " --include-online"
            waiting.append(Path(self._run.dir).parent)
        paths = " ".join(shlex.quote(str(path)) for path in waiting)
        return f"wandb sync{options} {paths}" if paths else None


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    key = os.environ.get("WANDB_API_KEY")
    return (text.replace(key, "…") if key else text)[:300].rstrip(".")
