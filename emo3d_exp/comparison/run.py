"""One run, as it is compared with others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emo3d_exp.comparison.wandb_file import Curve

Plain = bool | int | float | str | None

STATUSES = {
    "finished": "trained and scored, as it was asked to be",
    "trained": "its weights are there, scores that it was to have are not",
    "pruned": "a search has ended it, since others were better by the same epoch",
    "stopped": "it has not come to its end: stopped, killed, or still running",
    "failed": "it ended with an error",
}
FACTS = ("run", "status", "group", "sweep", "commit", "started", "duration")
"""What is known of a run beside its config and its metrics."""


@dataclass(frozen=True)
class Run:
    """A training: what it was asked for, what came of it.

    Attributes:
        name: short and like no other's. path: its folder, or its W&B file. config: dotted key → value; a list
            is the text of its JSON. metrics: ``val/mse`` of the best epoch, ``epoch`` (that one, from 0),
            ``train_seconds``, ``parameters``, ``test/mse``, …. status: one of ``STATUSES``. sweep: name of
            the folder that a sweep was written to. commit: 8 signs, and ``+`` where the tree had changes.
            started: UTC, ``2026-01-31 12:00:00``. seconds: from start to end, scoring included.
            curves: name → (epoch, value). identity: equal for copies of one run. run_id: W&B's.
            problems: what could not be read. conditions: part → what its scores depend on.
    """

    name: str
    path: Path
    config: Mapping[str, Plain]
    metrics: Mapping[str, float]
    status: str
    group: str = ""
    sweep: str = ""
    commit: str = ""
    started: str = ""
    seconds: float | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    identity: str = ""
    run_id: str = ""
    problems: tuple[str, ...] = ()
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def value(self, key: str) -> Plain:
        """Of a fact, a metric or a key of the config; None where the run has no such thing."""
        if key in FACTS:
            told = {"run": self.name, "duration": self.seconds}
            return told[key] if key in told else getattr(self, key) or None
        return self.metrics[key] if key in self.metrics else self.config.get(key)


def flat(values: Any, prefix: str = "") -> dict[str, Plain]:
    """Nested settings by dotted key. Lists become the text of their JSON; an empty group has no key."""
    if isinstance(values, Mapping):
        return {
            key: v for name, inner in values.items() for key, v in flat(inner, f"{prefix}{name}.").items()
        }
    key = prefix.removesuffix(".")
    if values is None or isinstance(values, bool | int | float | str):
        return {key: values}
    return {key: json.dumps(values, default=str, ensure_ascii=False)}
