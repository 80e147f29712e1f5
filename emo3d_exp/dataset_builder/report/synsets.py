"""Tables 5 and 6: the most frequent WordNet synsets among nouns and among verbs, through NLTK."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emo3d_exp.dataset_builder.report.wording import is_stop_word, words
from emo3d_exp.errors import ConfigError

HOW = (
    "pip install nltk, then python -m nltk.downloader wordnet; on a machine without a network copy that "
    "machine's nltk_data folder and give it as report.wordnet=… or in NLTK_DATA"
)


@dataclass(frozen=True)
class SynsetCount:
    """A synset: its WordNet name (``smile.n.01``), how many words of the texts it stands for, its "
    "definition."""

    name: str
    count: int
    definition: str


@dataclass(frozen=True)
class SynsetTables:
    """Tables 5 (nouns) and 6 (verbs). missing: None, or why they are left out and how to get them."""

    nouns: list[SynsetCount]
    verbs: list[SynsetCount]
    missing: str | None = None


def synset_tables(texts: Sequence[str], top: int, folder: str | None = None) -> SynsetTables:
    """Count synsets.

    Every word that is no stop word is looked up (WordNet's own rules find the base form). It counts for one
    synset: the sense that is the most frequent by WordNet's counts among its nouns and verbs; where those
        have
    no counts, its first noun sense, or else its first verb sense. Words that are neither are left out.

    Args:
        top: synsets of each table. folder: an nltk_data folder (it holds corpora/wordnet); None for
            where NLTK looks by itself.

    Raises:
        ConfigError: ``folder`` was given and holds no WordNet, or NLTK is not installed.
    """
    wordnet, missing = _wordnet(folder)
    if wordnet is None:
        return SynsetTables([], [], missing)
    occurrences = Counter(word for text in texts for word in words(text) if not is_stop_word(word))
    counts: Counter[Any] = Counter()
    for word, count in occurrences.items():
        synset = _main_sense(wordnet, word)
        if synset is not None:
            counts[synset] += count
    return SynsetTables(*(_table(counts, kind, top) for kind in ("n", "v")))


def _table(counts: Counter[Any], kind: str, top: int) -> list[SynsetCount]:
    chosen = [(synset.name(), n, synset.definition()) for synset, n in counts.items() if synset.pos() == kind]
    return [SynsetCount(*row) for row in sorted(chosen, key=lambda row: (-row[1], row[0]))[:top]]


def _main_sense(wordnet: Any, word: str) -> Any | None:
    best, most = None, -1
    for kind in ("n", "v"):
        base = wordnet.morphy(word, kind)
        for lemma in wordnet.lemmas(base, kind) if base else ():
            if lemma.count() > most:
                best, most = lemma.synset(), lemma.count()
    return best


def _wordnet(folder: str | None) -> tuple[Any | None, str | None]:
    """NLTK's reader, or None and why there is none."""
    try:
        import nltk
        from nltk.corpus.reader.wordnet import WordNetCorpusReader
        from nltk.corpus.util import LazyCorpusLoader
    except ImportError:
        if folder is not None:
            raise ConfigError(f"report.wordnet={folder} is read through NLTK: pip install nltk") from None
        return None, f"NLTK is not installed: {HOW}"
    if folder is not None:
        _trust(nltk.data.path, Path(folder).expanduser())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are no other languages
            wordnet = LazyCorpusLoader("wordnet", WordNetCorpusReader, None)
            wordnet.ensure_loaded()
    except LookupError:
        return None, f"NLTK finds no WordNet corpus: {HOW}"
    return wordnet, None


def _trust(places: list[str], folder: Path) -> None:
    """Let NLTK look there first; it opens no file outside its data folders."""
    if not any((folder / "corpora").glob("wordnet*")):
        raise ConfigError(f"report.wordnet={folder} is no nltk_data folder with corpora/wordnet in it: {HOW}")
    if str(folder.resolve()) not in places:
        places.insert(0, str(folder.resolve()))
