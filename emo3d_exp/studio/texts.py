"""Texts as visitors type them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from emo3d_exp.studio.language import doubts

LIMIT = 1000
"""Characters that are read; the text towers stop after about 300 anyway (77 tokens)."""


DIRECTIONS = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))


@dataclass(frozen=True)
class Typed:
    """A cleaned text, empty where nothing was said, and a note for the visitor, empty where all is plain."""

    text: str
    note: str = ""


def clean(raw: str) -> Typed:
    """One line of at most :data:`LIMIT` characters: whitespace folded, control characters dropped.

    >>> clean("  a\\n faint   smile ").text
    'a faint smile'
    """
    visible = "".join(c if not _is_control(c) else " " for c in raw)
    text = " ".join(visible.split())
    if not text:
        return Typed("", "Describe a feeling or a face, in English. Until then the face is neutral.")
    if len(text) > LIMIT:
        return Typed(text[:LIMIT].rstrip(), f"Only the first {LIMIT:,} of {len(text):,} characters are read.")
    return Typed(text, doubts(text))


def shorten(text: str, length: int = 48) -> str:
    """At most ``length`` characters, for a button."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _is_control(character: str) -> bool:
    """Controls, and the marks that turn the direction of text: they would disturb the page around them."""
    return unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") or character in DIRECTIONS
