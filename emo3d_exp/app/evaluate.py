"""``python evaluate.py``: score a run or a predictions file, or compare runs."""

from __future__ import annotations

import glob
import logging
from functools import cache
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from emo3d_exp.app.checks import check_judge
from emo3d_exp.app.leaderboard import check_comparison, compare_two, leaderboard
from emo3d_exp.app.overriding import overridden, paths_given
from emo3d_exp.app.plugins import require_packages
from emo3d_exp.app.tracked_names import is_tracked
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder

log = logging.getLogger(__name__)

REPLACEABLE = ("metric", "rig", "renderer", "tracking")
"""Groups of a run's config that the command line may replace, or change in part, when it is scored again."""
OWN = ("run_dir", "part", "samples", "threads")
TASKS = ("run_dir", "predictions", "prompts", "checkpoint")


def evaluate(cfg: DictConfig) -> None:
    """Do what ``cfg`` asks: score a run, a file or a checkpoint, compare runs, list the prompts, or measure
    the metric itself."""
    if "meta" in cfg:
        evaluate_metric(cfg)
        return
    if sum(cfg.get(task) is not None for task in TASKS) != 1:
        raise ConfigError(
            "say what to do: run_dir=outputs/… (score a run; a quoted pattern gives a leaderboard), "
            "predictions=FILE (score an .npz, .parquet, .jsonl, .csv or .json), prompts=FILE (list the "
            "prompts), checkpoint=released/… with path=FILE (score weights that others trained), or "
            "meta=default (measure the metric itself)"
        )
    if cfg.path is not None and "checkpoint" not in cfg:
        raise ConfigError("path=… is the file of a checkpoint: say which, checkpoint=released/…")
    if cfg.samples and (cfg.run_dir is None or glob.has_magic(str(cfg.run_dir))):
        raise ConfigError(f"samples={cfg.samples} are drawn from one run: give them with run_dir=outputs/…")
    check_comparison(cfg)
    check_places(cfg)
    if cfg.against is not None:
        compare_two(str(cfg.run_dir), str(cfg.against), cfg.part)
        return
    if cfg.run_dir is not None and glob.has_magic(str(cfg.run_dir)):
        leaderboard(str(cfg.run_dir), cfg)
        return
    if cfg.predictions is not None:
        check_judge(cfg)
    if "checkpoint" in cfg:
        evaluate_checkpoint(cfg)
        return
    start_libraries(cfg)
    if cfg.run_dir is not None:
        evaluate_run(RunFolder(cfg.run_dir), cfg)
    elif cfg.predictions is not None:
        evaluate_file(cfg)
    else:
        list_prompts(cfg)


def check_places(cfg: DictConfig) -> None:
    """Raise ConfigError where ``out`` or ``tracking`` are given where nothing would come of them."""
    if cfg.run_dir is not None and cfg.out is not None and not glob.has_magic(str(cfg.run_dir)):
        raise ConfigError(
            f"out={cfg.out}: the report of a run lies in the run, {cfg.run_dir}/evaluation/{cfg.part}; leave "
            "out=… out, or quote a pattern for a leaderboard: run_dir='outputs/*' out=FOLDER"
        )
    if cfg.prompts is not None and (cfg.out is not None or is_tracked(cfg)):
        raise ConfigError("prompts=FILE writes that file alone: leave out=… and tracking=… out")


def start_libraries(cfg: DictConfig) -> None:
    """Import torch, with ``cfg.threads``."""
    from emo3d_exp.app.assemble import set_threads
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    set_threads(cfg.threads)


def evaluate_metric(cfg: DictConfig) -> None:
    """Measure the metric by known changes of true faces, on ``cfg.data``; ``run_dir`` may name systems."""
    others = (*TASKS, "path", "against", "texts")
    given = [name for name in others if name != "run_dir" and cfg.get(name) is not None]
    given += [name for name, there in (("samples", cfg.samples), ("tracking", is_tracked(cfg))) if there]
    if given:
        raise ConfigError(f"{', '.join(given)} with meta=…: only run_dir=… (runs to compare) goes with it")
    check_judge(cfg)
    start_libraries(cfg)
    from emo3d_exp.app.meta import meta_evaluate

    meta_evaluate(cfg)


def evaluate_run(run: RunFolder, cfg: DictConfig) -> None:
    """Score a run on ``cfg.part``, by its own settings but for those given on the command line."""
    own = run.config()
    run.require_weights()
    own = with_given(own, cfg, [override.split("=", 1)[0] for override in HydraConfig.get().overrides.task])
    require_packages(own, str(run.path))
    check_judge(own)
    if cfg.samples:
        from emo3d_exp.app.predictor import check_samples

        check_samples(own.model.name, cfg.samples)
    score_and_track(run, own, cfg.part)
    if cfg.samples:
        from emo3d_exp.app.sampling import score_samples

        score_samples(run, own, cfg.part, cfg.samples)


def evaluate_checkpoint(cfg: DictConfig) -> None:
    """Make a run of weights that other code has trained, and score it on ``cfg.data``."""
    from emo3d_exp.app.importing import planned_import

    planned = planned_import(cfg)
    start_libraries(cfg)
    score_and_track(planned.write(), planned.config, cfg.part)


def score_and_track(run: RunFolder, cfg: DictConfig, part: str) -> None:
    """Score a part of a run's data by ``cfg``, and show it by the tracker."""
    from emo3d_exp.app.scoring import score_run, track
    from emo3d_exp.app.train import start_tracking

    tracker = start_tracking(run, cfg, job_type="evaluate")
    exit_code = 1
    try:
        evaluation, evaluator = score_run(run, cfg, part)
        track(tracker, evaluation, evaluator, part, run.evaluation(part))
        exit_code = 0
    finally:
        tracker.finish(exit_code)
    if where := tracker.where():
        log.info(where)


def with_given(own: DictConfig, cfg: DictConfig, keys: list[str]) -> DictConfig:
    """A run's config with what the command line gives of the replaceable groups, whole or in part.

    Args:
        keys: of the overrides, such as ``metric``, ``metric.k`` or ``backbone@metric.judge``.

    Raises:
        ConfigError: a key that is the run's own affair, such as its data.
    """
    foreign = [path for path in paths_given(keys) if path.split(".")[0] not in (*REPLACEABLE, *OWN)]
    if foreign:
        raise ConfigError(
            f"{', '.join(foreign)}: a run is scored on its own data and split; with run_dir=… only "
            f"{', '.join((*REPLACEABLE, *OWN))} can be given"
        )
    return overridden(own, cfg, keys, REPLACEABLE)


def evaluate_file(cfg: DictConfig) -> None:
    """Score a predictions file on ``cfg.data`` and ``cfg.split``; the report lies beside the file.

    The data are loaded after the file, which may be refused at once, unless its faces need their prompts.
    """
    from emo3d_exp.app.data import load_data
    from emo3d_exp.app.scoring import score, track_outside
    from emo3d_exp.evaluation import load_predictions

    file = Path(cfg.predictions)
    data = cache(lambda: load_data(cfg))
    predictions = load_predictions(file, lambda: data().prompts(cfg.part))
    folder = Path(cfg.out) if cfg.out else file.with_name(f"{file.stem}_evaluation")
    evaluation, evaluator = score(cfg, predictions, data(), cfg.part, folder, system=file.stem)
    track_outside(cfg, evaluation, evaluator, folder)


def list_prompts(cfg: DictConfig) -> None:
    """Write ``sample_id``, ``text_number`` and ``text`` of the prompts of a part as CSV.

    Raises ConfigError where there is another file of this name, such as one with predictions.
    """
    import pandas as pd

    from emo3d_exp.app.data import load_data
    from emo3d_exp.runs import write_atomically

    prompts = load_data(cfg).prompts(cfg.part)
    columns = {"sample_id": prompts.sample_id, "text_number": prompts.text_number, "text": prompts.text}
    file = Path(cfg.prompts)
    with write_atomically(file) as partial:
        pd.DataFrame(columns).to_csv(partial, index=False)
        if file.exists() and not (file.is_file() and file.read_bytes() == partial.read_bytes()):
            raise ConfigError(f"prompts={file} is there already, and is another file: give a new name")
    log.info("wrote %d prompts to %s", len(prompts), cfg.prompts)
