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
from emo3d_exp.app.plain_values import check_choices, check_plain_values
from emo3d_exp.app.resuming import finished_error, is_job_of_sweep, own_config, trained_error
from emo3d_exp.app.stopping import stoppable
from emo3d_exp.app.tracked_names import default_group, default_tags
from emo3d_exp.models import model_class
from emo3d_exp.runs import RunFolder, write_json

if TYPE_CHECKING:
    from emo3d_exp.tracking import Tracker

log = logging.getLogger(__name__)


def train(cfg: DictConfig) -> float | None:
    """Train what ``cfg`` describes in a run folder of its own; with ``evaluate=true`` score it too.

    Returns:
        The best text → blendshape validation error, which sweepers may minimise.
    """
    run = RunFolder(HydraConfig.get().runtime.output_dir)
    check_choices(list(HydraConfig.get().overrides.task))
    check_plain_values(cfg)
    resume = cfg.resume and (run.config_file.is_file() or not is_job_of_sweep())
    if resume:
        cfg = own_config(run, cfg)
        if (error := finished_error(run, cfg)) is not None:
            log.info("%s is done already", run.path)
            return error
    else:
        run.require_unused()
    check_weights(cfg)
    check_parts(cfg)
    check_rig(cfg)
    if not resume:
        run.create(cfg)
    with stoppable(run, cfg):
        if not resume:
            return train_in(run, cfg)
        log.info("going on with %s", run.path)
        checkpoint = run.last_checkpoint if run.last_checkpoint.is_file() else None
        return train_in(run, cfg, checkpoint, trained_error(run, cfg))


def train_in(
    run: RunFolder, cfg: DictConfig, resume_from: Path | None = None, trained: float | None = None
) -> float | None:
    """Train in a folder whose config is written, and score; torch is imported from here on.

    Args:
        trained: validation error of a run whose training is done already, which is scored and no more.
    """
    from emo3d_exp.app.assemble import check_trainer, set_threads
    from emo3d_exp.app.quiet import quiet_libraries
    from emo3d_exp.app.scoring import score_run, track

    started = time.monotonic()
    quiet_libraries()
    set_threads(cfg.threads)
    check_trainer(cfg)
    fit, scored = fitting_of(cfg.model.name)
    tracker = start_tracking(run, cfg, job_type="train")
    exit_code = 1
    try:
        best = fit(run, cfg, tracker, resume_from) if trained is None else trained
        if cfg.evaluate and scored:
            evaluation, evaluator = score_run(run, cfg, "test")
            track(tracker, evaluation, evaluator, "test", run.evaluation("test"))
        exit_code = 0
    finally:
        tracker.finish(exit_code)
    log.info("%s is done in %.0f s", run.path, time.monotonic() - started)
    if where := tracker.where():
        log.info(where)
    return best if math.isfinite(best) else None


def fitting_of(model: str) -> tuple[Callable[..., float], bool]:
    """How a model is trained, and whether it answers texts with faces, which can be scored."""
    if model == "face_clip":
        from emo3d_exp.app.face_clip import fit_face_clip

        return fit_face_clip, False
    from emo3d_exp.app.fitting import fit, fit_closed_form
    from emo3d_exp.models.closed_form import ClosedForm

    return (fit_closed_form if issubclass(model_class(model), ClosedForm) else fit), True


def start_tracking(run: RunFolder, cfg: DictConfig, job_type: str) -> Tracker:
    """Start the tracker of ``cfg.tracking``, on the page that the run has already, if it has one."""
    tracker = instantiate(cfg.tracking)
    known: dict[str, Any] = json.loads(run.tracking_file.read_text()) if run.tracking_file.is_file() else {}
    tracker.start(
        run_dir=run.path,
        config=OmegaConf.to_container(cfg, resolve=True),
        name=str(cfg.name),
        group=cfg.group or default_group(cfg),
        tags=list(dict.fromkeys([*cfg.tags, *default_tags(cfg)])),
        job_type=job_type,
        resume_id=known.get("run_id"),
    )
    if tracker.run_id is not None:
        write_json(run.tracking_file, {"run_id": tracker.run_id})
    return tracker
