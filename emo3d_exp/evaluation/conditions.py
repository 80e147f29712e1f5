"""What a result depends on, and whether two results may be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

CONDITIONS = (
    "data", "split", "split_hash", "prompts", "judge", "rig", "renderer", "looks", "k", "eps", "aggregation",
    "exclude_self", "bank", "seed", "vocabulary",
)  # fmt: skip
"""Parts of the provenance in which two results must agree to be compared; ``split`` is the part scored, and
``split_hash``, where a result has it, says which samples each part has."""

Facts = Mapping[str, Any]


def differing(provenances: Sequence[Facts]) -> tuple[str, ...]:
    """The names of :data:`CONDITIONS` that are not the same in all results."""
    return tuple(
        name for name in CONDITIONS if len({json.dumps(facts.get(name)) for facts in provenances}) > 1
    )


def warning(names: Sequence[str]) -> str:
    """What stands above a table of results that do not all compare; empty where all do."""
    return f"Not comparable across letters, which differ in {', '.join(names)}" if names else ""


def plain_conditions(facts: Facts) -> dict[str, Any]:
    """Each of :data:`CONDITIONS` as the cell of a CSV file."""
    found = {name: facts.get(name) for name in CONDITIONS}
    return {
        name: value_in_words(facts, name) if isinstance(value, Mapping) else value
        for name, value in found.items()
    }


def value_in_words(facts: Facts, name: str) -> str:
    """One condition, such as ``builtin (5429d336730a6567)`` or ``none``."""
    value = facts.get(name)
    if value is None:
        return "none"
    if name == "looks":
        return looks_in_words(value)
    if isinstance(value, Mapping) and "name" in value:
        return f"{value['name']} ({value['fingerprint']})"
    if name == "bank":
        return bank_in_words(value)
    return str(value)


def looks_in_words(looks: Facts) -> str:
    """``4 looks over camera, identity and light (draw 0), features averaged``."""
    if looks["count"] == 1:
        return "one look, the neutral portrait"
    *first, last = looks["vary"]
    varied = f"{', '.join(first)} and {last}" if first else last
    return f"{looks['count']} looks over {varied} (draw {looks['seed']}), {looks['average']} averaged"


def bank_in_words(bank: Facts) -> str:
    """``bank of 400 prompts of train (draw 0, 7b1542009207bb97)``, with the emotions that it lacks."""
    lacking = f", none of {' and '.join(bank['without'])}" if bank.get("without") else ""
    return f"bank of {bank['size']} prompts of {bank['split']} (draw {bank['seed']}, {bank['hash']}{lacking})"


def in_one_line(facts: Facts) -> str:
    """All conditions of a result, for a reader who wants to know what its figures may be compared with."""
    part = (
        f"{facts.get('prompts')} prompts of the part {facts.get('split')} "
        f"(data {facts.get('data') or 'unknown'}, split {facts.get('split_hash') or 'unknown'})"
    )
    if not facts.get("judge"):
        return f"{part}; no judge: blendshape errors alone"
    own = "left out" if facts.get("exclude_self") else "not left out"
    return "; ".join(
        [
            part,
            *(f"{name} {value_in_words(facts, name)}" for name in ("judge", "rig", "renderer")),
            value_in_words(facts, "looks"),
            value_in_words(facts, "bank"),
            f"own sample {own}",
            f"k={facts.get('k')}, ε={facts.get('eps')}, {facts.get('aggregation')}, seed {facts.get('seed')}",
        ]
    )


def in_words(facts: Facts) -> list[tuple[str, str]]:
    """(what, a sentence or two about it) of one result, for a reader who has not seen the documentation."""
    told = [
        ("Prompts", f"{facts['prompts']} prompts of the part “{facts['split']}”; {_data_in_words(facts)}."),
    ]
    if facts.get("judge"):
        told += _judged_in_words(facts)
    told.append(
        (
            "Intervals",
            f"95 %, by {facts['bootstrap']} bootstrap draws of whole samples (seed {facts['seed']}): how far "
            "the mean would move with other prompts, not with another training.",
        )
    )
    return told


def _data_in_words(facts: Facts) -> str:
    data = f"data {facts.get('data') or 'without a fingerprint'}"
    return f"{data}, split {facts['split_hash']}" if facts.get("split_hash") else data


def _judged_in_words(facts: Facts) -> list[tuple[str, str]]:
    bank = facts["bank"]
    own = "" if not facts["exclude_self"] else " Prompts of the sample that is scored are left out."
    lacking = f" but for {' and '.join(bank['without'])}, of which it has none" if bank.get("without") else ""
    joined = {
        "per_sample": "Each prompt's KL divergence goes through eq. 6 of the paper before the mean is taken.",
        "pooled": "The KL divergences are averaged before eq. 6 of the paper.",
    }
    return [
        ("Judge", f"{value_in_words(facts, 'judge')} embeds the pictures of faces and the prompts."),
        (
            "Faces",
            f"rig {value_in_words(facts, 'rig')}, drawn by renderer {facts['renderer']} under "
            f"{looks_in_words(facts['looks'])}.",
        ),
        (
            "Prompt bank",
            f"{bank['size']} prompts of the part “{bank['split']}”, balanced over the emotions{lacking} "
            f"(draw {bank['seed']}, {bank['hash']}).{own}",
        ),
        (
            "Emo3D",
            f"The emotions of the {facts['k']} prompts nearest to the picture against those that were asked "
            f"for, ε={facts['eps']} on both. {joined[facts['aggregation']]}",
        ),
    ]
