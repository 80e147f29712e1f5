"""``python build_data.py stage=report`` and the like: a finished data set, looked over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from omegaconf import DictConfig

from emo3d_exp.app.asking_people import labels, preferences
from emo3d_exp.app.data import load_corpus
from emo3d_exp.errors import ConfigError

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


def words(cfg: DictConfig) -> None:
    """The words nearest to each emotion by a lexicon, as in the paper's figure 2."""
    from emo3d_exp.dataset_builder.lexicons import read_lexicon, write_nearest_words

    lexicon = read_lexicon(cfg.words.lexicon, cfg.words.path, cfg.words.contempt)
    written = write_nearest_words(lexicon, _folder(cfg, "words"), cfg.words.top)
    log.info("wrote %s", ", ".join(str(file) for file in written))


def publish(cfg: DictConfig) -> None:
    """Write a built table in the published layout with a data card, and push it unless ``publish.dry``."""
    from emo3d_exp.dataset_builder.data_card import CardFacts
    from emo3d_exp.dataset_builder.publishing import push_to_hub

    if cfg.data.get("path") is None:
        raise ConfigError("stage=publish pushes a table of ours: data=table data.path=FOLDER")
    told = cfg.publish
    facts = CardFacts(
        str(told.title or ""), str(told.licence or ""), str(told.summary or ""), list(told.language)
    )
    folder = _folder(cfg, "publish")
    where = push_to_hub(cfg.data.path, folder, str(told.hub_id), facts, told.private, told.dry)
    log.info("published: %s", where or f"nothing; it would be {folder}")


def _folder(cfg: DictConfig, name: str) -> Path:
    return Path(str(cfg.out)) if cfg.out else Path("outputs", name)


SURVEYS: dict[str, Callable[[DictConfig], None]] = {
    "report": report,
    "validate": check,
    "words": words,
    "labels": labels,
    "preferences": preferences,
    "publish": publish,
}
"""By what ``stage=`` calls them."""
