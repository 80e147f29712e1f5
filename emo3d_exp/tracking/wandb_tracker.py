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
from emo3d_exp.tracking.mode import Mode
from emo3d_exp.tracking.samples import SampleFaces, spread
from emo3d_exp.tracking.tracker import Tracker
from emo3d_exp.tracking.wandb_artifacts import check_kinds, predictions_artifact, run_artifact
from emo3d_exp.tracking.wandb_faults import costing_no_run, cure, faults, leave_dead_service, one_line
from emo3d_exp.tracking.wandb_parts import is_waiting, mark_incomplete, upload_command, upload_failed
from emo3d_exp.tracking.wandb_report import evaluation_shown, leaderboard_shown, needing_server
from emo3d_exp.tracking.wandb_settings import decided_mode, place_of_page, run_settings
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
        artifacts: of ``weights``, ``checkpoint``, ``predictions``: kept with the page as its artifacts.

    In a process that ``wandb agent`` has started, id, project and entity of the page are the agent's.
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
        artifacts: Sequence[str] = (),
    ) -> None:
        self._project = project
        self._entity = entity
        self._configured_mode = mode
        self._start_timeout = start_timeout_s
        self._finish_timeout = finish_timeout_s
        self._table_rows = table_rows
        self._system_metrics = system_metrics
        self._artifacts = check_kinds(artifacts)
        self._trains = False
        self._not_shown: list[str] = []
        self._mode: Mode = "disabled"
        self._run: Any = None
        self._folder = Path()
        self._finished = False

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
        self._mode, reason = decided_mode(self._configured_mode)
        if self._mode == "disabled":
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._trains = job_type == "train"
        page = {
            "dir": str(self._folder.parent),
            "config": dict(config),
            "name": name,
            "group": group,
            "tags": list(tags),
            **place_of_page(self._project, self._entity, job_type, resume_id),
        }
        if self._mode == "online":
            reason = self._try_online(page)
        if reason is not None:
            log.warning(
                "W&B: %s; this run is tracked offline: %s, then upload it with python -m emo3d_exp.sync %s",
                reason,
                cure(reason),
                shlex.quote(str(self._folder.parent)),
            )
        if self._run is None:
            self._start_offline(page)
        self._run.define_metric("*", step_metric="epoch", step_sync=False)
        if resume_id is not None and self._mode == "offline":
            repeat_summary(self._run, self._folder)

    def _init(self, mode: Mode, page: Mapping[str, Any]) -> Any:
        import wandb

        run = wandb.init(
            mode=mode,
            reinit="finish_previous",
            settings=run_settings(self._start_timeout, self._finish_timeout, self._system_metrics),
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
            return f"no online run ({one_line(error)})"
        return None

    def _start_offline(self, page: Mapping[str, Any]) -> None:
        import wandb

        try:
            self._run = self._init("offline", page)
        except wandb.errors.UsageError as error:
            raise ConfigError(f"tracking: W&B does not take these settings: {one_line(error)}") from error

    @property
    def run_id(self) -> str | None:
        return None if self._run is None else self._run.id

    def lightning_loggers(self) -> list[Any]:
        """Lightning's logger on the started run; curves are drawn over ``epoch``."""
        if self._run is None:
            return []
        made = list[Any]()
        with costing_no_run("curves", self._not_shown):  # W&B listens to imports, and tells its service
            from emo3d_exp.tracking.wandb_curves import LastingLogger

            made.append(LastingLogger(self._run, self._project, str(self._folder.parent), self._not_shown))
        return made

    def summary(self, metrics: Mapping[str, float | str]) -> None:
        if self._run is None:
            return
        with costing_no_run("figures", self._not_shown):
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
        if "predictions" in self._artifacts:
            self._keep(predictions_artifact(folder, self._run.id))

    def leaderboard(self, folder: Path) -> None:
        """As ``Tracker.leaderboard``, on the page: what :func:`leaderboard_shown` lists."""
        if self._run is not None:
            self._log(leaderboard_shown(Path(folder)))

    def _log(self, shown: Mapping[str, Any]) -> None:
        """In one step; where the server does not let that, what needs no server alone."""
        asked = needing_server(shown)
        others = {name: what for name, what in shown.items() if name not in asked}
        for part in filter(None, (dict(shown), others)):
            lost = len(self._not_shown)
            with pictures_kept_in(self._folder), costing_no_run(", ".join(asked or part), self._not_shown):
                self._run.log(part)
            if len(self._not_shown) == lost:
                return

    def _keep(self, artifact: Any | None) -> None:
        if artifact is not None:
            with pictures_kept_in(self._folder), costing_no_run(artifact.name, self._not_shown):
                self._run.log_artifact(artifact)

    def finish(self, exit_code: int = 0) -> None:
        """Close the page. What goes wrong here is a warning: the run itself is already over."""
        if self._run is None or self._finished:
            return
        self._finished, told = True, ""
        try:
            keep_summary(self._run, self._folder)
            for kind in ("weights", "checkpoint"):
                if exit_code == 0 and self._trains and kind in self._artifacts:
                    self._keep(run_artifact(kind, self._folder.parent, self._run.id))
            self._run.finish(exit_code=exit_code)
        except faults() as error:
            told = one_line(error)
            leave_dead_service(error)
        part = Path(self._run.dir).parent
        if self._mode == "online" and not told and upload_failed(part):
            told = "the server has not taken all of it"
        if self._not_shown and not told:
            told = "a part is not shown"
        if told:
            if self._mode == "online":
                mark_incomplete(part)
            log.warning("W&B: the run was not closed properly (%s): %s.", told, cure(told))

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
        parts = self._folder.glob(f"*run-*/run-{self._run.id}.wandb")
        return upload_command(part for part in parts if is_waiting(part))
