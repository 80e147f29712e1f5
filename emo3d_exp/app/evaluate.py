"""``python evaluate.py``: score a run or a predictions file, or compare runs."""

from __future__ import annotations

import glob
import logging
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder

log = logging.getLogger(__name__)

REPLACEABLE = ("metric", "rig", "renderer")
"""Groups of a run's config that the command line may replace when the run is scored again."""


def evaluate(cfg: DictConfig) -> None:
    """Do what ``cfg`` asks: one run, several runs, or a predictions file."""
    if (cfg.run_dir is None) == (cfg.predictions is None):
        raise ConfigError(
            "say what to score: run_dir=outputs/… (a run, or a quoted pattern for a leaderboard) or "
            "predictions=FILE (.npz, .parquet, .jsonl, .csv)"
        )
    if cfg.run_dir is None:
        _prepare(cfg)
        evaluate_file(cfg)
    elif glob.has_magic(str(cfg.run_dir)):
        leaderboard(str(cfg.run_dir), cfg)
    else:
        _prepare(cfg)
        evaluate_run(RunFolder(cfg.run_dir), cfg)


def _prepare(cfg: DictConfig) -> None:
    from emo3d_exp.app.assemble import set_threads
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    set_threads(cfg.threads)


def evaluate_run(run: RunFolder, cfg: DictConfig) -> None:
    """Score a run on ``cfg.on``, by its own settings but for the groups given on the command line."""
    from emo3d_exp.app.scoring import score_run, track
    from emo3d_exp.app.train import start_tracking

    own = run.config()
    run.require_weights()
    given = [override.split("=", 1)[0] for override in HydraConfig.get().overrides.task]
    for group in REPLACEABLE:
        if any(group in key.split("@")[-1].split(".") for key in given):
            own[group] = cfg[group]
    if "tracking" in {key.split(".")[0] for key in given}:
        own["tracking"] = cfg.tracking
    tracker = start_tracking(run, own, job_type="evaluate")
    exit_code = 1
    try:
        evaluation, evaluator = score_run(run, own, cfg.on)
        track(tracker, evaluation, evaluator, cfg.on, run.evaluation(cfg.on))
        exit_code = 0
    finally:
        tracker.finish(exit_code)
    if where := tracker.where():
        log.info(where)


def evaluate_file(cfg: DictConfig) -> None:
    """Score a predictions file on ``cfg.data`` and ``cfg.split``; the report lies beside the file."""
    from emo3d_exp.app.data import load_data
    from emo3d_exp.app.scoring import score
    from emo3d_exp.evaluation import load_predictions

    file = Path(cfg.predictions)
    predictions = load_predictions(file)
    folder = Path(cfg.out) if cfg.out else file.with_name(f"{file.stem}_evaluation")
    score(cfg, predictions, load_data(cfg), cfg.on, folder, system=file.stem)


def leaderboard(pattern: str, cfg: DictConfig) -> None:
    """One line for every finished run that the pattern finds; ``out=FOLDER`` also writes it as CSV."""
    from emo3d_exp.evaluation import read_leaderboard

    folders = [Path(path) for path in sorted(glob.glob(pattern)) if Path(path, "config.yaml").is_file()]
    files = [metrics for folder in folders if (metrics := _metrics_file(folder, cfg.on)).is_file()]
    if not files:
        raise ConfigError(
            f"run_dir={pattern}: {len(folders)} run folders, none with evaluation/{cfg.on}/metrics.json; "
            "score a run with: python evaluate.py run_dir=…"
        )
    board = read_leaderboard(files)
    board.print()
    if cfg.out:
        board.write_csv(Path(cfg.out) / "leaderboard.csv")
        log.info("wrote %s", Path(cfg.out) / "leaderboard.csv")


def _metrics_file(folder: Path, part: str) -> Path:
    return RunFolder(folder).evaluation(part) / "metrics.json"
