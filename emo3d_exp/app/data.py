"""The data of a run: corpus, split, prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig

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

        return prompts(self.corpus, self.rows(part))

    def mean_face(self) -> np.ndarray:
        """(52,) mean of the training faces."""
        train = self.corpus.select(self.rows("train"))
        return train.blendshapes[train.has_blendshapes].mean(axis=0)

    def facts(self) -> dict[str, str]:
        """What identifies the data in provenance and results."""
        return {
            "data": self.corpus.name,
            "data_hash": self.corpus.fingerprint(),
            "split_hash": self.splits.hash,
        }


def load_data(cfg: DictConfig) -> LoadedData:
    """The corpus of ``cfg.data``, split by ``cfg.split``."""
    corpus = load_corpus(cfg)
    return LoadedData(corpus, instantiate(cfg.split, _convert_="all").split(corpus))


def load_corpus(cfg: DictConfig) -> Corpus:
    """Load the corpus of ``cfg.data``, which is built first where it is ``data=mini`` and not there yet."""
    from emo3d_exp.data import MiniData

    source = instantiate(cfg.data, _convert_="all")
    if isinstance(source, MiniData) and source.folder is None:
        from emo3d_exp.dataset_builder import ensure_mini

        source.folder = str(ensure_mini(**source.build_settings))
    return source.load()
