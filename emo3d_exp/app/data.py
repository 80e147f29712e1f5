"""The data of a run: corpus, split, prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig

from emo3d_exp.app.assemble import build_augmentation
from emo3d_exp.app.kept import kept
from emo3d_exp.errors import ConfigError
from emo3d_exp.records import BLOCK

if TYPE_CHECKING:
    from emo3d_exp.data import Splits
    from emo3d_exp.records import Corpus, Prompts


@dataclass(frozen=True)
class LoadedData:
    """A corpus and how it is split."""

    corpus: Corpus
    splits: Splits

    def rows(self, part: str) -> np.ndarray:
        """Ascending rows of ``corpus.sample_id`` of ``train``, ``val`` or ``test``."""
        return self.splits.rows(part)

    def prompts(self, part: str) -> Prompts:
        """Every distinct text of a part, with the face to compare with."""
        from emo3d_exp.data import prompts

        chosen = self.corpus.select(self.rows(part)).loaded()
        return prompts(chosen, np.arange(len(chosen)))

    def mean_face(self) -> np.ndarray:
        """(52,) mean of the training faces."""
        train = self.corpus.select(self.rows("train"))
        scored, total = np.flatnonzero(train.has_blendshapes), np.zeros(train.blendshapes.shape[1])
        for start in range(0, len(scored), BLOCK):
            total += train.blendshapes[scored[start : start + BLOCK]].sum(axis=0, dtype=np.float64)
        return (total / len(scored)).astype(np.float32)

    def facts(self) -> dict[str, str]:
        """What identifies the data in provenance and results."""
        return {
            "data": self.corpus.name,
            "data_hash": self.corpus.fingerprint(),
            "split_hash": self.splits.hash,
        }


def load_data(cfg: DictConfig) -> LoadedData:
    """The corpus of ``cfg.data``, split by ``cfg.split``."""
    check_streaming(cfg)
    return kept("data", [cfg.data, cfg.split], lambda: _load_data(cfg))


def _load_data(cfg: DictConfig) -> LoadedData:
    corpus = load_corpus(cfg)
    return LoadedData(corpus, instantiate(cfg.split, _convert_="all").split(corpus))


def check_streaming(cfg: DictConfig) -> None:
    """Raise ConfigError where ``data.streaming=true`` goes with what needs all texts in memory."""
    if not cfg.data.get("streaming"):
        return
    if cfg.split.get("near_copies") is not None:
        raise ConfigError(
            "data.streaming=true: split.near_copies compares all texts in memory; choose split=published, or "
            "split.near_copies=null"
        )
    if build_augmentation(cfg).adds_samples:
        raise ConfigError(
            "data.streaming=true: augmentation.mirror and augmentation.word_dropout make samples in memory; "
            "choose augmentation=none, noise or beginnings"
        )


def load_corpus(cfg: DictConfig) -> Corpus:
    """Load the corpus of ``cfg.data``, which is built first where it is ``data=mini`` and not there yet."""
    from emo3d_exp.data import MiniData

    source = instantiate(cfg.data, _convert_="all")
    if isinstance(source, MiniData) and source.folder is None:
        from emo3d_exp.dataset_builder import ensure_mini

        source.folder = str(ensure_mini(**source.build_settings))
    return source.load()
