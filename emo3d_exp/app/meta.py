"""``python evaluate.py meta=default``: measure the metric itself."""

from __future__ import annotations

import glob
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.choices import choices
from emo3d_exp.app.data import LoadedData, load_data
from emo3d_exp.errors import ConfigError, DataError, WeightsUnavailableError
from emo3d_exp.runs import RunFolder, distinct_names

if TYPE_CHECKING:
    from emo3d_exp.backbones import Encoder
    from emo3d_exp.records import Prompts

log = logging.getLogger(__name__)


def meta_evaluate(cfg: DictConfig) -> None:
    """Measure how the metric of ``cfg`` reacts to known changes of true faces; ``cfg.out`` gets the report.

    ``run_dir`` may name runs, whose predictions are compared with the ground truth.
    """
    from emo3d_exp.app.scoring import build_evaluator
    from emo3d_exp.evaluation.meta import Material, measure, write_meta
    from emo3d_exp.evaluation.meta.findings import findings

    cfg = cfg.copy()
    settings = instantiate(cfg.meta, _convert_="all")
    if cfg.metric.judge is None:
        raise ConfigError("meta=… measures the Emo3D metric, which needs a judge: metric=emo3d")
    if settings.detail is not None:
        cfg.renderer.detail = settings.detail
    judges = other_judges(settings.judges)
    evaluator, data = build_evaluator(cfg), load_data(cfg)
    prompts = data.prompts(cfg.part)
    material = Material(
        prompts=prompts,
        train=data.prompts("train"),
        candidates=data.prompts(evaluator.bank.split),
        mean_face=data.mean_face(),
        systems=systems(cfg, data, prompts),
        judges=judges,
        facts={**data.facts(), "part": cfg.part},
    )
    evaluator.cache.progress = False  # one bar for all
    with progress_bar() as progress:
        found = measure(evaluator, material, settings, progress)
    folder = write_meta(found, cfg.out or Path("outputs", "meta"))
    for sentence in findings(found.content):
        log.info("- %s", sentence)
    log.info("report: %s", folder)


def other_judges(names: list[str]) -> list[Encoder]:
    """The encoders of some backbone configs. Raises before anything is loaded where weights are missing."""
    found, there = [], choices("backbone")
    for name in names:
        if name not in there:
            raise ConfigError(f"meta.judges: there is no backbone {name}; there are: {', '.join(there)}")
        encoder = instantiate(OmegaConf.load(there[name].file))
        if "image" not in encoder.modalities:
            raise ConfigError(f"meta.judges: backbone {name} encodes texts only; a judge needs images too")
        try:
            encoder.check()
        except WeightsUnavailableError as error:
            raise WeightsUnavailableError(f"meta.judges={name}: {error}") from error
        found.append(encoder)
    return found


def systems(cfg: DictConfig, data: LoadedData, prompts: Prompts) -> dict[str, np.ndarray]:
    """Name → (N, 52) what the runs of ``cfg.run_dir`` answered to the prompts; none where it is null."""
    if cfg.run_dir is None:
        return {}
    from emo3d_exp.evaluation import load_predictions, match
    from emo3d_exp.evaluation.report import PREDICTIONS
    from emo3d_exp.evaluation.wording import counted

    paths = [Path(path) for path in sorted(glob.glob(str(cfg.run_dir)))]
    folders = [path for path in paths if (path / "config.yaml").is_file()]
    files = {each: RunFolder(each).evaluation(cfg.part) / PREDICTIONS for each in folders}
    scored = [folder for folder, file in files.items() if file.is_file()]
    if not scored:
        raise ConfigError(
            f"run_dir={cfg.run_dir}: {counted(len(folders), 'run folder')}, none with "
            f"evaluation/{cfg.part}/{PREDICTIONS}; score a run first: python evaluate.py run_dir=… "
            f"part={cfg.part}"
        )
    names, found = distinct_names(scored, taken=["mean_face", "neutral", "true"]), {}
    for folder, name in zip(scored, names, strict=True):
        known = RunFolder(folder).provenance()
        for key, value in data.facts().items():
            if known.get(key, value) != value:
                raise DataError(
                    f"{folder} was trained with {key} {known[key]}, but meta=… is asked for {value}; give "
                    "runs of one data set and split, and its data=… and split=…"
                )
        found[name] = match(load_predictions(files[folder]), prompts).predictions.blendshapes
    return found


@contextmanager
def progress_bar() -> Iterator[Callable[[int], Callable[[], None]]]:
    """Gives, for a number of steps, a function that moves a bar on standard error by one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:

        def begin(steps: int) -> Callable[[], None]:
            task = bar.add_task("faces × looks", total=steps)
            return lambda: bar.advance(task)

        yield begin
