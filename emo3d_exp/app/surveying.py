"""``python build_data.py stage=report`` and the like: a finished data set, looked over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from omegaconf import DictConfig

from emo3d_exp.app.data import load_corpus

log = logging.getLogger(__name__)


def report(cfg: DictConfig) -> None:
    """The paper's tables and figures of ``cfg.data``, into ``cfg.out``."""
    from emo3d_exp.dataset_builder.report import write_report

    folder = _folder(cfg, "report")
    write_report(load_corpus(cfg), folder, cfg.report.top, cfg.report.wordnet)
    log.info("report: %s", folder / "report.html")


def check(cfg: DictConfig) -> None:
    """What stands out in ``cfg.data``; ends with an error where results would be wrong."""
    from rich.console import Console

    from emo3d_exp.dataset_builder.validation import as_table, validate, write_validation

    corpus, folder = load_corpus(cfg), _folder(cfg, "validation")
    found = validate(corpus, cfg.validation.near_copies, cfg.validation.max_words)
    write_validation(found, folder)
    Console(width=130).print(as_table(found))
    log.info("validation: %s", folder / "validation.md")
    found.raise_for_errors()


def _folder(cfg: DictConfig, name: str) -> Path:
    return Path(str(cfg.out)) if cfg.out else Path("outputs", name)


SURVEYS: dict[str, Callable[[DictConfig], None]] = {"report": report, "validate": check}
"""By what ``stage=`` calls them."""
