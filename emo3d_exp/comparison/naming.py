"""Names of keys and metrics as people type them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import takewhile

from emo3d_exp.comparison.run import FACTS, Run
from emo3d_exp.errors import ConfigError

LISTED = 12
SAVED = 8
"""Letters that names have to share before those are left out."""


def short_names(names: Sequence[str]) -> list[str]:
    """The names without what all begin or end with, up to an underscore, so that no number is cut in two; as
    they are where that is little, or nothing would be left of one. A job's number keeps a word of its sweep's
    name.
    """
    start = _shared(names)
    if start.endswith("/") and any(name[len(start) :].isdigit() for name in names):
        start = _up_to_a_sign(start[:-1])
    end = _shared([name[len(start) :][::-1] for name in names])[::-1]
    if len(start) + len(end) < SAVED or any(len(name) <= len(start) + len(end) for name in names):
        return list(names)
    dots = ("…" if start else "", "…" if end else "")
    return [f"{dots[0]}{name[len(start) : len(name) - len(end)]}{dots[1]}" for name in names]


def _shared(names: Sequence[str]) -> str:
    """What all begin with, the last sign between words included."""
    same = takewhile(lambda signs: len(set(signs)) == 1, zip(*names, strict=False))
    common = "".join(signs[0] for signs in same) if len(set(names)) > 1 else ""
    return _up_to_a_sign(common)


def _up_to_a_sign(text: str) -> str:
    return re.match(r"(.*[_/ ])?", text, re.DOTALL).group(0)  # type: ignore[union-attr]


def names_of(runs: Iterable[Run]) -> list[str]:
    """All that a column, a filter or an order can name: facts, metrics, keys of the configs."""
    names = dict.fromkeys(FACTS)
    for run in runs:
        names |= dict.fromkeys(run.metrics)
    for run in runs:
        names |= dict.fromkeys(run.config)
    return list(names)


def full_name(given: str, known: Collection[str], source: str) -> str:
    """The name that is meant: itself, or the only one that ends so, as ``lambda_text`` does.

    Args:
        source: of the name, for the message, such as ``sort=…``.

    Raises:
        ConfigError: there is none, or several end so.
    """
    if given in known:
        return given
    ends = [name for name in known if name.endswith((f".{given}", f"/{given}"))]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise ConfigError(f"{source}: '{given}' may be {' or '.join(ends[:LISTED])}; write one of them")
    last = {name.rpartition(".")[2].rpartition("/")[2]: name for name in known}
    close = get_close_matches(given, [*known, *last], n=3, cutoff=0.6)
    meant = list(dict.fromkeys(last.get(name, name) if name not in known else name for name in close))
    cure = f"did you mean {' or '.join(map(repr, meant))}?" if meant else _some(known)
    raise ConfigError(f"{source}: no run has '{given}'; {cure}")


def _some(known: Collection[str]) -> str:
    shown = [name for name in known if "_target_" not in name]
    return f"they have {', '.join(shown[:LISTED])}, … (all: runs.csv, by out=FOLDER)"
