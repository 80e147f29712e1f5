"""``python build_data.py stage=labels`` and ``stage=preferences``: sheets for people, and their answers."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from emo3d_exp.app.data import load_corpus, load_data
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import distinct_names, write_json

if TYPE_CHECKING:
    import numpy as np

    from emo3d_exp.dataset_builder.human import Item

log = logging.getLogger(__name__)

PER_SAMPLE, PREDICTIONS = "per_sample.parquet", "predictions.parquet"


def labels(cfg: DictConfig) -> None:
    """Write sheets on which people label texts of ``cfg.data``, or, with ``human.answers``, tell how far they
    agree with each other and with the data set."""
    from emo3d_exp.dataset_builder.human import draw_texts, write_label_sheets

    folder = _folder(cfg, "labels")
    if answers := _answers(cfg):
        _tell_agreement(folder, answers, cfg.human.seed)
        return
    _refuse_written(folder / "key.csv")
    files = write_label_sheets(draw_texts(load_corpus(cfg), cfg.human.count, cfg.human.seed), folder)
    log.info(
        "give %s (a form) or %s to two people or more, and keep %s to yourself; then add "
        "human.answers=[FILE,FILE]",
        files["form"], files["sheet"], files["key"],
    )  # fmt: skip


def _tell_agreement(folder: Path, answers: list[Path], seed: int) -> None:
    """On the terminal, in ``agreement.json`` (with the confusions) and in ``agreement.csv``."""
    from rich.console import Console

    from emo3d_exp.dataset_builder.human import (
        agreement,
        agreement_table,
        read_labels,
        read_vectors,
        write_agreement_csv,
    )

    system, given = read_labels(folder / "key.csv", answers)
    vectors = read_vectors(folder / "key.csv")
    if vectors is None:
        log.warning("%s holds no emotion vectors: only dominant emotions are compared", folder / "key.csv")
    found = agreement(system, given, seed, vectors)
    write_json(folder / "agreement.json", found)
    write_agreement_csv(found, folder / "agreement.csv")
    Console(width=120).print(agreement_table(found))
    log.info("kept in %s and %s", folder / "agreement.json", folder / "agreement.csv")


def preferences(cfg: DictConfig) -> None:
    """Write sheets on which people choose between the faces of ``human.systems``, or, with ``human.answers``,
    tell who wins and whether the metrics agree."""
    from emo3d_exp.dataset_builder.human import (
        draw_texts,
        read_preferences,
        verdicts,
        write_preference_sheets,
    )

    folder, systems = _folder(cfg, "preferences"), _systems(cfg)
    if answers := _answers(cfg):
        asked = read_preferences(folder / "preferences_key.csv", answers)
        tables = {
            name: place / PER_SAMPLE for name, place in systems.items() if (place / PER_SAMPLE).is_file()
        }
        _tell(verdicts(asked, tables, cfg.human.seed), folder / "verdicts.json")
        return
    _refuse_written(folder / "preferences_key.csv")
    data = load_data(cfg)
    items = draw_texts(data.corpus.select(data.rows(cfg.part)), cfg.human.count, cfg.human.seed)
    renderer = instantiate(cfg.renderer, rig=instantiate(cfg.rig))
    pictures = {name: renderer.render(_faces(place / PREDICTIONS, items)) for name, place in systems.items()}
    files = write_preference_sheets(items, pictures, folder, cfg.human.seed)
    log.info("wrote %s; then add human.answers=[FILE,…]", ", ".join(str(file) for file in files.values()))


def _systems(cfg: DictConfig) -> dict[str, Path]:
    """Folder of the evaluation of every system, by name: of a run, or of an outside system."""
    folders = [Path(str(each)) for each in cfg.human.systems]
    if len(folders) < 2:
        raise ConfigError(
            "stage=preferences: name two systems or more, human.systems=[outputs/one,outputs/other] (run "
            "folders that were scored, or folders of evaluate.py predictions=…)"
        )
    found = {}
    for name, folder in zip(distinct_names(folders), folders, strict=True):
        places = [
            place for place in (folder / "evaluation" / cfg.part, folder) if (place / PREDICTIONS).is_file()
        ]
        if not places:
            raise ConfigError(
                f"human.systems: {folder} holds no {PREDICTIONS} of part={cfg.part}; score it first"
            )
        found[name] = places[0]
    return found


def _faces(file: Path, items: list[Item]) -> np.ndarray:
    """(N, 52) a system's answers to the texts of the sheet."""
    from emo3d_exp.evaluation import load_predictions

    answered = load_predictions(file)
    keys = zip(answered.sample_id.tolist(), answered.text_number.tolist(), strict=True)
    row = {key: place for place, key in enumerate(keys)}
    absent = [item for item in items if (item.sample_id, item.text_number) not in row]
    if absent:
        raise ConfigError(
            f"{file} answers {len(items) - len(absent)} of the {len(items)} texts that were drawn; systems "
            "and sheet must be of the same data and part"
        )
    return answered.blendshapes[[row[item.sample_id, item.text_number] for item in items]]


def _answers(cfg: DictConfig) -> list[Path]:
    return [Path(str(each)) for each in cfg.human.answers]


def _refuse_written(key: Path) -> None:
    """Sheets that people may be filling in are not replaced."""
    if key.exists():
        raise ConfigError(
            f"{key} is there already: read its answers with human.answers=[FILE,FILE], or take another out=…"
        )


def _tell(found: Mapping[str, Any], file: Path) -> None:
    write_json(file, dict(found))
    log.info("%s", json.dumps(found, indent=2, ensure_ascii=False))
    log.info("kept in %s", file)


def _folder(cfg: DictConfig, name: str) -> Path:
    return Path(str(cfg.out)) if cfg.out else Path("outputs", name)
