"""``python build_data.py source=stages``: a data set of one's own, by the groups ``builder/…``."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from emo3d_exp.app.tracked_building import tracked_build
from emo3d_exp.errors import ConfigError, DataError

if TYPE_CHECKING:
    from emo3d_exp.dataset_builder import Stage
    from emo3d_exp.dataset_builder.planning import Planned

log = logging.getLogger(__name__)

ORDER = ("texts", "copies", "emotions", "images", "blendshapes", "assemble")
"""Of the groups below ``builder``."""


def build_new(cfg: DictConfig, only: Sequence[str] | None) -> None:
    """Bring the build in ``cfg.out`` up to date, or say what that would take (``cfg.dry_run``).

    Raises:
        ConfigError: no folder was given, or a stage's settings cannot be.
    """
    from emo3d_exp.dataset_builder import plan_stages, run_stages

    folder, stages = target(cfg), built_stages(cfg)
    check_source_of_scores(stages, only)
    if cfg.dry_run:
        print_plan(plan_stages(folder, stages, only, cfg.limit, cfg.retry), folder)
        return
    with held(folder), tracked_build(cfg, folder, folder):
        manifests = run_stages(
            folder, stages, only, instantiate(cfg.executor), limit=cfg.limit, retry=cfg.retry
        )
    require_samples(manifests)
    unfinished = [name for name, manifest in manifests.items() if not manifest["complete"]]
    if unfinished:
        log.info("%s is not complete yet: %s; run again without limit=…", folder, ", ".join(unfinished))
    if rows := manifests.get(ORDER[-1], {}).get("rows"):
        log.info("train on its %d samples: python train.py data=table data.path=%s", rows, folder)


def check_source_of_scores(stages: Sequence[Stage], only: Sequence[str] | None) -> None:
    """Raise ConfigError where scores are to be those that were drawn, and nothing is drawn by us."""
    from emo3d_exp.dataset_builder import PriorBlendshapes, RenderedImages

    by_name = {stage.name: stage for stage in stages if only is None or "blendshapes" in only}
    drawn = isinstance(by_name.get("images"), RenderedImages)
    if isinstance(by_name.get("blendshapes"), PriorBlendshapes) and not drawn:
        raise ConfigError(
            "builder/blendshapes=prior gives the scores that builder/images=rendered has drawn; pictures "
            "from elsewhere are read by builder/blendshapes=mediapipe (stage=images builds without scores)"
        )


def require_samples(manifests: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise DataError where a stage has set all samples aside, with its reasons."""
    from emo3d_exp.dataset_builder.manifests import why_set_aside

    for name, manifest in manifests.items():
        if manifest["rows"] and manifest.get("set_aside") == manifest["rows"]:
            raise DataError(
                f"stage {name} has set all its {manifest['rows']} samples aside, so nothing is left to go on "
                f"with: {why_set_aside(manifest)}. Mend the cause, and run again with retry=true"
            )


def target(cfg: DictConfig) -> Path:
    """The folder of ``cfg.out``."""
    if cfg.out is None:
        raise ConfigError(f"source={cfg.source}: give the folder to build in, out=FOLDER")
    if cfg.limit is not None and (not isinstance(cfg.limit, int) or cfg.limit < 1):
        raise ConfigError(f"limit={cfg.limit} must be a whole number from 1, or null for all")
    return Path(str(cfg.out)).expanduser().resolve()


def built_stages(cfg: DictConfig) -> list[Stage]:
    """The stages in order; with ``cfg.retry`` models are asked anew where their answers could not be used."""
    chosen = [cfg.builder[name].copy() for name in ORDER]
    for stage in chosen:
        if cfg.retry and "ask_again" in stage:
            stage.ask_again = True
    return [instantiate(stage, _convert_="all") for stage in chosen]


def held(folder: Path) -> AbstractContextManager[object]:
    """The lock of a build, so that two processes do not write into it at once.

    Raises:
        ConfigError: another process has it, or nothing can be written there.
    """
    from filelock import FileLock, Timeout

    file = folder.with_name(f"{folder.name}.lock")
    try:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError("it is a file")
        folder.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        raise ConfigError(
            f"out={folder} is no folder that can be built in ({error}); choose another"
        ) from error
    lock = FileLock(file)
    try:
        return lock.acquire(timeout=0)
    except Timeout as error:
        raise ConfigError(
            f"another process is building {folder}; wait for it, or take another out=…"
        ) from error


def print_plan(planned: Sequence[Planned], folder: Path) -> None:
    """Rows, calls and cost of every stage, and which would be refused, on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"What building {folder} would take; nothing was done")
    for name in ("stage", "rows", "done", "to do", "calls", "cost in $"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for each in planned:
        calls, cost = each.estimate.calls, each.estimate.cost
        left = each.rows - each.done
        table.add_row(each.stage, f"{each.rows}", f"{each.done}", f"{left}", f"{calls}", f"{cost:.2f}")
    table.add_section()
    total = sum(each.estimate.calls for each in planned), sum(each.estimate.cost for each in planned)
    table.add_row("all", "", "", "", f"{total[0]}", f"{total[1]:.2f}")
    console = Console(width=100)
    console.print(table)
    for each in planned:
        if each.refused:
            told = f"{each.stage} would be refused: {each.refused}. It is counted as in a new folder."
            console.print(told, style="red", markup=False, highlight=False)
