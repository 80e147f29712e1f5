"""What counts as a word, a sentence and a stop word in a report."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?:\s+|$)")
_STOP_WORDS = """
    a about above across after again against all almost along already also although always am among an and
    another any anyone anything are around as at away back be became because become been before behind
    being below beneath beside between beyond both but by came can cannot come could did do does doing
    done down during each either else even ever every everyone everything few for from further get gets
    getting go goes going gone got had has have having he hence her here hers herself him himself his how
    however i if in instead into is it its itself just least less let like made make makes many may me
    might mine more most much must my myself near nearly neither never no nobody none nor not nothing now
    of off often on once one ones only onto or other others otherwise our ours ourselves out over own
    perhaps put quite rather really same seem seemed seems several shall she should since so some someone
    something soon still such take than that the their theirs them themselves then there therefore these
    they thing things this those though through throughout thus till to too took toward towards two under
    until up upon us very was way we well went were what when where whether which while who whole whom
    whose why will with within without would yet you your yours yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Articles, pronouns, prepositions, conjunctions, auxiliaries and a few empty verbs and adverbs: a list of
this project's own. Short forms are stop words too where they end in 't ("don't") or begin with one
("she's")."""


def words(text: str) -> list[str]:
    """Words in their order, in lower case: runs of letters, joined by an apostrophe or a hyphen.

    Digits and punctuation are no words; "half-open" is one word.
    """
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def letters(word: str) -> int:
    """Length of a word without apostrophes and hyphens."""
    return sum(character.isalpha() for character in word)


def is_stop_word(word: str) -> bool:
    """Whether a word of :func:`words` is left out of the most frequent ones."""
    first, short, rest = word.partition("'")
    if short and (rest == "t" or first in STOP_WORDS):
        return True
    return word in STOP_WORDS


def sentences(text: str) -> int:
    """How many sentences: parts that end in . ! ? or … before a space or the end, with a word in them."""
    return sum(bool(words(part)) for part in _END.split(text))
