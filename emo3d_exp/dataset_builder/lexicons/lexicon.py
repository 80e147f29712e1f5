"""NRC emotion lexicons, from files that the user has or from the package ``nrclex``; none is shipped here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emo3d_exp.dataset_builder.lexicons.mapping import NRC_CATEGORIES, check_contempt, emotion_vector
from emo3d_exp.errors import ConfigError, DataError

KINDS = ("emolex", "intensity", "nrclex")
SOURCES = {
    "emolex": "the word level file of the NRC Word-Emotion Association Lexicon (EmoLex)",
    "intensity": "the file of the NRC Emotion Intensity Lexicon",
}
HEADINGS = ("emotion", "affectdimension")
HOME = "https://saifmohammad.com/WebPages/lexicons.html"


@dataclass(frozen=True)
class Lexicon:
    """Emotion vectors of words.

    Attributes:
        kind: one of :data:`KINDS`. vectors: word in lower case → (8,) float64 intensities in [0, 1], never
            all zero. digest: 16 hex digits of words and vectors.
    """

    kind: str
    vectors: dict[str, np.ndarray]

    @property
    def digest(self) -> str:
        """Changes when a word or a vector does."""
        content = hashlib.sha256()
        for word in sorted(self.vectors):
            content.update(word.encode() + b"\0" + self.vectors[word].tobytes())
        return content.hexdigest()[:16]


def read_lexicon(kind: str, path: str | None = None, contempt: str = "dyad") -> Lexicon:
    """Read a lexicon and bring it to the eight emotions (``mapping.py`` says how).

    Args:
        kind: ``emolex`` or ``intensity``: a text file of the user's, one "word TAB category TAB value" a
            line, value 0 or 1, or a number in [0, 1]; ``nrclex``: what that package brings (no path).
        contempt: rule for contempt.

    Raises:
        ConfigError: an unknown kind or rule, no path, or the package is not installed.
        DataError: the file is absent or of another format; the message names the line.
    """
    check_contempt(contempt)
    if kind not in KINDS:
        raise ConfigError(
            f"words.lexicon={kind!r} (of a build: builder.emotions.lexicon): choose one of {', '.join(KINDS)}"
        )
    if kind == "nrclex":
        scores = _bundled(path)
    elif path is None:
        raise ConfigError(
            f"lexicon={kind} needs words.path=… (of a build: builder.emotions.path=…), {SOURCES[kind]}; "
            f"download it from {HOME}"
        )
    else:
        scores = _read(kind, Path(path).expanduser())
    vectors = {word: emotion_vector(known, contempt) for word, known in scores.items()}
    return Lexicon(kind, {word: vector for word, vector in vectors.items() if vector is not None})


def _read(kind: str, path: Path) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = {}
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in _data_lines(file):
                word, category, value = _parsed(kind, line, f"{path}, line {number}")
                known = scores.setdefault(word, {})
                if known.setdefault(category, value) != value:
                    raise DataError(f"{path}, line {number}: {word!r} has two values for {category}")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}; it must be {SOURCES[kind]}") from error
    if not scores:
        raise DataError(f"{path} has no line with a word; it must be {SOURCES[kind]}")
    return scores


def _data_lines(file: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines, without empty ones and without a heading."""
    for number, line in enumerate(file, 1):
        cells = line.rstrip("\r\n").split("\t")
        heading = number == 1 and len(cells) == 3 and cells[1].strip().lower() in HEADINGS
        if line.strip() and not heading:
            yield number, line.rstrip("\r\n")


def _parsed(kind: str, line: str, place: str) -> tuple[str, str, float]:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != 3 or not cells[0]:
        raise DataError(f"{place}: expected word, category and value with a tab between; found {line[:80]!r}")
    word, category, text = cells[0].lower(), cells[1].lower(), cells[2]
    if category not in NRC_CATEGORIES:
        raise DataError(f"{place}: {category!r} is no category; expected one of {', '.join(NRC_CATEGORIES)}")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if kind == "emolex" and value not in (0.0, 1.0):
        raise DataError(f"{place}: value {text!r} must be 0 or 1 in {SOURCES['emolex']}")
    if not 0 <= value <= 1:
        raise DataError(f"{place}: value {text!r} must be a number from 0 to 1")
    return word, category, value


def _bundled(path: str | None) -> dict[str, dict[str, float]]:
    if path is not None:
        raise ConfigError(
            f"lexicon=nrclex takes no path ({path}); words.lexicon=emolex reads a file, in a build "
            "builder.emotions.lexicon=emolex"
        )
    try:
        from nrclex import NRCLex
    except ImportError:
        raise ConfigError(
            "lexicon=nrclex: the package is not installed; pip install nrclex, or give a file with "
            "words.lexicon=emolex words.path=… (of a build: builder.emotions.…)"
        ) from None
    return {word: dict.fromkeys(categories, 1.0) for word, categories in NRCLex().__lexicon__.items()}
