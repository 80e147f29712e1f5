"""Run folders and W&B files, read as :class:`~emo3d_exp.comparison.run.Run`."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emo3d_exp.comparison.run import Plain, Run, flat
from emo3d_exp.comparison.settings_file import read_settings
from emo3d_exp.comparison.wandb_cache import cached_wandb_file
from emo3d_exp.comparison.wandb_file import Curve, WandbRun
from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.conditions import CONDITIONS
from emo3d_exp.runs import RunFolder, read_job

PLACE = ("run_dir", "name", "group", "resume")
"""Keys of a config that say where a run lies and what it is called, not what it is."""
OF_WEIGHTS = ("schema", "embedding_dim")
"""Numbers of model.json that are no figures."""
TOOK = re.compile(r" is done in (\d+) s$", re.MULTILINE)
STOPPED = re.compile(r"\] - stopped(;| in )")
BROKEN = re.compile(r"^Traceback |\]\[(ERROR|CRITICAL)\]", re.MULTILINE)


def read_run(path: Path) -> Run:
    """Read a run folder. What is missing or damaged beside its config is told in ``problems``.

    Raises:
        DataError: its config cannot be read, or is not that of a training.
    """
    folder, problems = RunFolder(path), list[str]()
    config = read_settings(folder.config_file)
    known = _json(folder.provenance_file, problems)
    told = _json(folder.model_file, problems)
    tracked = _json(folder.tracking_file, problems)
    (scores, conditions), curves = _scores(path, problems), _csv_curves(path, problems)
    parts, unread = _wandb_parts(path, str(tracked.get("run_id") or ""))
    for part in parts:
        _add_curves(curves, part.history)
    problems += [] if curves and _has_weights(folder) else unread  # a start that came to nothing left them
    metrics = {**_figures(told, skip=OF_WEIGHTS), **scores}
    if "val/mse" not in metrics:
        metrics |= _best_epoch(curves)
    log = _text(path / "train.log")
    git = known.get("git") if isinstance(known.get("git"), Mapping) else {}
    took = [float(s) for s in TOOK.findall(log)] or [part.seconds for part in parts if part.seconds]
    asked = {key: v for key, v in config.items() if key not in PLACE}
    return Run(
        name=path.name,
        path=path,
        config=asked,
        metrics=metrics,
        status=_status(folder, config, scores, log, parts),
        group=str(config.get("group") or next((part.group for part in parts if part.group), "")),
        sweep=_sweep(path),
        commit=str(git.get("commit") or "")[:8] + "+" * bool(git.get("changed")),
        started=_moment(str(known.get("created") or next((part.started for part in parts), ""))),
        seconds=sum(took) if took else None,
        curves=curves,
        identity=json.dumps([known.get("created"), tracked.get("run_id"), asked], sort_keys=True),
        run_id=str(tracked.get("run_id") or ""),
        problems=tuple(problems),
        conditions=conditions,
    )


def run_of_wandb(parts: Sequence[WandbRun], path: Path) -> Run:
    """A run of which W&B's files are all that is left.

    Args:
        parts: of one id, the oldest first. path: of the first file.

    Raises:
        DataError: it is no training.
    """
    first, last = parts[0], parts[-1]
    config = flat(first.config)
    if "model.name" not in config:
        raise DataError(f"{path}: no training (its job type is {first.job_type or 'not told'})")
    curves: dict[str, Curve] = {}
    summary: dict[str, float | str] = {}
    for part in parts:
        _add_curves(curves, part.history)
        summary |= part.summary
    scores = {key: v for key, v in _figures(summary).items() if "/" in key and not key.startswith("train")}
    scores.pop("val/mse", None)  # of a run that was stopped, that of the last epoch
    failed = last.exit_code not in (0, None)
    ended = "finished" if any("/" in key for key in scores) or not config.get("evaluate") else "trained"
    asked = {key: v for key, v in config.items() if key not in PLACE}
    cut = () if all(part.whole for part in parts) else (f"{path}: damaged, read up to there",)
    return Run(
        name=first.name or first.run_id,
        path=path,
        config=asked,
        metrics={**_best_epoch(curves), **scores},
        status="failed" if failed else "stopped" if last.exit_code is None else ended,
        group=first.group,
        commit=first.commit[:8],
        started=_moment(first.started),
        seconds=sum(part.seconds or 0 for part in parts) or None,
        curves=curves,
        identity=first.run_id,
        run_id=first.run_id,
        problems=cut,
    )


def _status(
    folder: RunFolder,
    config: Mapping[str, Plain],
    scores: Mapping[str, float],
    log: str,
    parts: Sequence[WandbRun],
) -> str:
    if _has_weights(folder):
        unscored = config.get("evaluate") and config.get("model.name") != "face_clip" and not scores
        return "trained" if unscored else "finished"
    if folder.pruned_file.is_file():
        return "pruned"
    job = read_job(folder.job_file)
    if job is not None and job.status in ("failed", "stopped"):
        return job.status
    if STOPPED.search(log):
        return "stopped"
    ended = parts[-1].exit_code if parts else None
    return "failed" if ended not in (0, None) or BROKEN.search(log) else "stopped"


def _has_weights(folder: RunFolder) -> bool:
    return folder.weights_file.is_file() and folder.model_file.is_file()


def _scores(path: Path, problems: list[str]) -> tuple[dict[str, float], dict[str, Mapping[str, Any]]]:
    """``<part>/<figure>`` of every part that was scored, and what each part's scores depend on."""
    found, conditions = dict[str, float](), dict[str, Mapping[str, Any]]()
    for file in sorted(path.glob("evaluation/*/metrics.json")):
        content, part = _json(file, problems), file.parent.name
        figures, facts = content.get("metrics"), content.get("provenance")
        if isinstance(figures, Mapping):
            found |= {f"{part}/{key}": v for key, v in _figures(figures).items()}
        if isinstance(facts, Mapping):
            conditions[part] = {name: facts.get(name) for name in CONDITIONS}
    return found, conditions


def _figures(told: Mapping[str, Any], skip: Sequence[str] = ()) -> dict[str, float]:
    return {
        key: value
        for key, value in told.items()
        if key not in skip and isinstance(value, int | float) and not isinstance(value, bool)
        if math.isfinite(value)
    }


def _best_epoch(curves: Mapping[str, Curve]) -> dict[str, float]:
    """The figures of the epoch that is kept: the lowest validation error."""
    if not curves.get("val/mse"):
        return {}
    epoch, error = min(curves["val/mse"], key=lambda point: point[1])
    return {"epoch": epoch, "val/mse": error}


def _wandb_parts(path: Path, run_id: str) -> tuple[list[WandbRun], list[str]]:
    """W&B's files in a run folder, the oldest first, and why others cannot be read; of several runs those of
    the one that the folder names.
    """
    parts, unread = list[WandbRun](), list[str]()
    for file in sorted(path.glob("wandb/*run-*/run-*.wandb")):
        if run_id and file.stem != f"run-{run_id}":
            continue
        try:
            parts.append(cached_wandb_file(file))
        except DataError as error:
            unread.append(str(error))
    return parts, unread


def _csv_curves(path: Path, problems: list[str]) -> dict[str, Curve]:
    curves: dict[str, Curve] = {}
    for file in sorted(path.glob("curves*/metrics.csv"), key=lambda file: (len(str(file)), str(file))):
        epochs: dict[str, dict[float, float]] = {}
        try:
            with file.open(newline="", encoding="utf-8") as lines:
                for row in csv.DictReader(lines):
                    for name in row.keys() - {"epoch", "step", None}:
                        if row[name]:
                            epochs.setdefault(name, {})[float(row["epoch"])] = float(row[name])
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{file}: damaged ({error}), its curves end there")
        _add_curves(curves, {name: sorted(points.items()) for name, points in epochs.items()})
    return curves


def _add_curves(curves: dict[str, Curve], later: Mapping[str, Curve]) -> None:
    """A training that went on repeats the epochs from where it was taken up: the later values count."""
    for name, points in later.items():
        curves[name] = sorted({**dict(curves.get(name, [])), **dict(points)}.items())


def _json(file: Path, problems: list[str]) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{file}: damaged ({error}), left out")
        return {}
    return content if isinstance(content, dict) else {}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _sweep(path: Path) -> str:
    """Name of the folder that Hydra wrote a sweep to: it holds ``multirun.yaml``."""
    above = path.resolve().parents[:3]
    return next((folder.name for folder in above if (folder / "multirun.yaml").is_file()), "")


def _moment(text: str) -> str:
    return text[:19].replace("T", " ")
