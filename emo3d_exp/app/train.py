"""``python train.py``: data → embeddings → training → best checkpoint → scores."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.checks import check_parts, check_rig, check_weights
from emo3d_exp.app.holding import begun, held
from emo3d_exp.app.jobs import Job, recorded
from emo3d_exp.app.plain_values import check_choices, check_plain_values
from emo3d_exp.app.preemption import begun_again, listening
from emo3d_exp.app.ranks import outer_count, outer_rank
from emo3d_exp.app.resuming import finished_error, is_job_of_sweep, own_config, trained_error
from emo3d_exp.app.stopping import stoppable
from emo3d_exp.app.tracked_names import is_tracked, names_to_keep, page_names
from emo3d_exp.errors import ConfigError
from emo3d_exp.models import model_class
from emo3d_exp.runs import RunFolder, write_json
from emo3d_exp.sweeping import Pruned, working_on_trial

if TYPE_CHECKING:
    from emo3d_exp.tracking import Tracker

log = logging.getLogger(__name__)
WAIT_SECONDS = 600
"""For which the processes of a job wait for the first of them to begin."""


@working_on_trial
def train(cfg: DictConfig) -> float | None:
    """Train what ``cfg`` describes in a run folder of its own; with ``evaluate=true`` score it too.

    Returns:
        The best text → blendshape validation error, which sweepers may minimise; None where it is not finite,
        and of a job of a sweep that failed.
    """
    run = RunFolder(HydraConfig.get().runtime.output_dir)
    if outer_rank():
        check_asked(cfg)
        with listening():  # a cluster may warn every task
            return train_along(run, cfg)
    with recorded(run) as job:
        check_asked(cfg)
        job.objective = train_or_go_on(run, cfg, job)
    return job.objective


def check_asked(cfg: DictConfig) -> None:
    """Raise ConfigError where what was given on the command line cannot be meant."""
    check_choices(list(HydraConfig.get().overrides.task))
    check_plain_values(cfg)


def train_or_go_on(run: RunFolder, cfg: DictConfig, job: Job) -> float | None:
    """As :func:`train`, in the first or only process."""
    resume = wants_to_go_on(run, cfg)
    if resume:
        cfg = own_config(run, cfg)
        if (error := finished_error(run, cfg)) is not None:
            log.info("%s is done already", run.path)
            return job.leave_out(error)
    else:
        run.require_unused()
    with held(run):
        job.begin()
        return work(run, cfg, resume)


def work(run: RunFolder, cfg: DictConfig, resume: bool) -> float | None:
    """Train and score from the start, or from where the run in the folder was stopped."""
    log.info("loading libraries, data and models")
    check_weights(cfg)
    check_parts(cfg)
    check_rig(cfg)
    if not resume:
        with begun(run, cfg), stoppable(run, cfg):
            return train_in(run, cfg)
    with stoppable(run, cfg):
        log.info("going on with %s", run.path)
        checkpoint = run.last_checkpoint if run.last_checkpoint.is_file() else None
        return train_in(run, cfg, checkpoint, trained_error(run, cfg))


def wants_to_go_on(run: RunFolder, cfg: DictConfig) -> bool:
    """``resume=true``, or a job that SLURM has put into the queue again."""
    if run.config_file.is_file():
        return cfg.resume or begun_again()
    return cfg.resume and not is_job_of_sweep()


def train_along(run: RunFolder, cfg: DictConfig) -> None:
    """What one of several processes of ``srun`` or ``torchrun`` does that is not the first: train on its part
    of every batch in the run that the first has begun, which does all else.
    """
    from emo3d_exp.app.joining import join
    from emo3d_exp.app.processes import Seat

    going_on = wants_to_go_on(run, cfg)
    end = time.monotonic() + WAIT_SECONDS
    while not run.config_file.is_file():
        if time.monotonic() > end:
            raise ConfigError(f"the first process has begun no run in {run.path} within {WAIT_SECONDS} s")
        time.sleep(0.2)
    if going_on:
        cfg = own_config(run, cfg)
        if trained_error(run, cfg) is not None:
            return
    start = str(run.last_checkpoint) if going_on and run.last_checkpoint.is_file() else None
    join(str(run.path), cfg, Seat(outer_rank(), outer_count()), start)


def train_in(
    run: RunFolder, cfg: DictConfig, resume_from: Path | None = None, trained: float | None = None
) -> float | None:
    """Train in a folder whose config is written, and score; torch is imported from here on.

    Args:
        trained: validation error of a run whose training is done already, which is scored and no more.
    """
    from emo3d_exp.app.assemble import check_trainer, set_threads
    from emo3d_exp.app.processes import check_alone
    from emo3d_exp.app.quiet import quiet_libraries
    from emo3d_exp.app.scoring import score_run, track

    started = time.monotonic()
    quiet_libraries()
    set_threads(cfg.threads)
    trainer = check_trainer(cfg)
    fit, scored = fitting_of(cfg.model.name)
    if not shares_batches(fit):
        check_alone(trainer, cfg.model.name)
    tracker = start_tracking(run, cfg, job_type="train")
    exit_code = 1
    try:
        best = fit(run, cfg, tracker, resume_from) if trained is None else trained
        if math.isfinite(best):
            # the page has the last epoch's otherwise, and W&B's sweeps may not see the best one
            tracker.summary({"best_validation_error": best, "val/mse" if scored else "val/loss": best})
        if cfg.evaluate and scored:
            evaluation, evaluator = score_run(run, cfg, "test")
            track(tracker, evaluation, evaluator, "test", run.evaluation("test"))
        exit_code = 0
    except Pruned as pruned:
        exit_code = 0
        return told_as_pruned(run, tracker, pruned)
    finally:
        tracker.finish(exit_code)
    log.info("%s is done in %.0f s", run.path, time.monotonic() - started)
    if where := tracker.where():
        log.info(where)
    return best if math.isfinite(best) else None


def told_as_pruned(run: RunFolder, tracker: Tracker, pruned: Pruned) -> None:
    """Let the run's folder, its tracker and the log say that it was ended for being worse than others."""
    pruned.note(run)
    tracker.summary({"status": "pruned"})
    log.info("%s is pruned after epoch %d: %s %.5f", run.path, pruned.epoch + 1, pruned.metric, pruned.value)


def fitting_of(model: str) -> tuple[Callable[..., float], bool]:
    """How a model is trained, and whether it answers texts with faces, which can be scored."""
    if model == "face_clip":
        from emo3d_exp.app.face_clip import fit_face_clip

        return fit_face_clip, False
    from emo3d_exp.app.fitting import fit, fit_closed_form
    from emo3d_exp.models.closed_form import ClosedForm

    return (fit_closed_form if issubclass(model_class(model), ClosedForm) else fit), True


def shares_batches(fit: Callable[..., float]) -> bool:
    """Whether what :func:`fitting_of` gave can train in several processes."""
    from emo3d_exp.app import fitting

    return fit is fitting.fit


def start_tracking(run: RunFolder, cfg: DictConfig, job_type: str) -> Tracker:
    """Start the tracker of ``cfg.tracking``, on the page that the run has already, if it has one."""
    tracker = instantiate(cfg.tracking)
    known: dict[str, Any] = json.loads(run.tracking_file.read_text()) if run.tracking_file.is_file() else {}
    names = page_names(cfg, known, job_type) if is_tracked(cfg) else {"name": "", "group": None, "tags": []}
    tracker.start(
        run_dir=run.path,
        config=OmegaConf.to_container(cfg, resolve=True),
        job_type=job_type,
        resume_id=known.get("run_id"),
        **names,
    )
    kept = names_to_keep(names, cfg) if is_tracked(cfg) else {}
    if tracker.run_id is not None:
        kept["run_id"] = tracker.run_id
    if kept:
        write_json(run.tracking_file, known | kept)
    return tracker
