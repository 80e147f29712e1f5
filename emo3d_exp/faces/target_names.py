"""Which of the 51 morph targets a name in somebody's file means."""

from __future__ import annotations

import re
from collections.abc import Sequence

from emo3d_exp.vocab import MORPH_TARGETS

_SIDES = {"l": "left", "r": "right", "left": "left", "right": "right"}
_BY_KEY = {name.lower(): name for name in MORPH_TARGETS}
_LONGEST = 200
"""Characters of a name worth reading; the search below takes the square of them."""

_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_GLUED_SIDE = re.compile(r"(?<=[a-z])([LR])$")
_GLUED_FRONT = re.compile(r"(?<![A-Za-z])([Ll]eft|[Rr]ight)(?=[A-Z])")
_COPY = re.compile(r"\.[0-9]{3}$")
"""What Blender adds to a name that is taken."""

_DIRECTIONS = ("jaw", "mouth")
"""``jawLeft`` is where the jaw goes; ``left_jaw`` is not that."""


def match_target(raw: str) -> tuple[str, str] | None:
    """Find the morph target that ``raw`` names.

    Understands other letter cases (Live Link Face), sides as ``_L``/``_R``/``.L`` or a glued capital, or
    in front (``L_eyeBlink``, ``leftEyeBlink``), separators inside the name (``left_eye_blink``), prefixes
    such as ``blendShape1.`` and Blender's numbers for copies (``jawOpen.001``). A sided
    variant of a target that has no sides (``browInnerUp_L`` in ICT-FaceKit) means that half of it.

    Returns:
        ``(name, half)`` with half "", "left" or "right", or None for a name outside the vocabulary.
    """
    if len(raw) > _LONGEST:
        return None
    name = _GLUED_FRONT.sub(r"\1_", _GLUED_SIDE.sub(r"_\1", _COPY.sub("", raw)))
    tokens = [token for token in _SEPARATORS.split(name) if token]
    if not tokens:
        return None
    words = [token.lower() for token in tokens]
    side = _SIDES.get(words[-1], "")
    stem = words[:-1] if side else words
    for start in range(len(words)):
        tail = "".join(stem[start:])
        before = _SIDES.get(stem[start - 1], "") if start else ""
        if name := _BY_KEY.get(tail + side):
            return name, "" if side or name.endswith(("Left", "Right")) else before
        if side and (name := _BY_KEY.get(tail)):
            return name, side
        if before and tail not in _DIRECTIONS and (name := _BY_KEY.get(tail + before)):
            return name, ""
    return None


def match_targets(names: Sequence[str]) -> dict[str, list[int]]:
    """Morph target → positions in ``names`` that make it up: one, or the two halves.

    A name that occurs twice counts once, at its first place; Blender's copies give way to what they were
    copied from.
    """
    found: dict[str, dict[str, int]] = {}
    for position, raw in sorted(enumerate(names), key=lambda item: bool(_COPY.search(item[1]))):
        if hit := match_target(raw):
            found.setdefault(hit[0], {}).setdefault(hit[1], position)
    return {name: [by[""]] if "" in by else list(by.values()) for name, by in found.items()}
