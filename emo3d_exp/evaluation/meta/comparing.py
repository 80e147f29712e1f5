"""Emo3D beside MSE: reactions to single changes, and what tells kept emotions from changed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emo3d_exp.evaluation.meta.reactions import (
    auc,
    auc_interval,
    effect,
    found_at,
    rank_correlation,
    rescued,
)
from emo3d_exp.evaluation.meta.sensitivity import TRUE
from emo3d_exp.evaluation.meta.sets import CHANGED, KEPT, Series, Sets
from emo3d_exp.vocab import EMOTIONS, dominant

SCORES = ("emo3d", "mse")
FEWEST = 5
"""Changes of one pair of emotions, from which on the pair is told of."""
FALSE_ALARMS = (0.01, 0.05, 0.1)
"""Shares of kept emotions above a threshold."""
SEEN_ABOVE = 0.9
"""A changed emotion counts as seen where the value rises more than for this share of kept emotions."""


@dataclass(frozen=True)
class Apart:
    """Per-sample values of the true and the changed faces.

    Attributes:
        sets: the faces. emo3d: name of a set → (N,) values, ``true`` and all changes at least.
    """

    sets: Sets
    emo3d: Mapping[str, np.ndarray]

    def names(self, group: str) -> list[str]:
        """Of the changes of a group."""
        return [name for name, change in self.sets.changes.items() if change.group == group]

    def rises(self, score: str, values: Mapping[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
        """Name of a change → (N,): the score of the changed face minus that of the true one.

        Args:
            score: ``emo3d`` or ``mse``, whose value for the true face is 0.
            values: Emo3D by another setting; None: ``self.emo3d``.
        """
        values = self.emo3d if values is None else values
        if score == "emo3d":
            return {name: values[name] - values[TRUE] for name in self.sets.changes}
        true = self.sets.true.astype(np.float64)
        return {name: ((each.faces - true) ** 2).mean(axis=1) for name, each in self.sets.changes.items()}

    def groups(
        self, rises: Mapping[str, np.ndarray], rows: np.ndarray | None = None, verified: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """All rises of the kept and of the changed emotions, each as one array.

        Args:
            rows: of prompts, repeats allowed; None: all. verified: only changes that the reader confirms.
        """
        rows = np.arange(len(self.sets.true)) if rows is None else rows
        found = []
        for group in (KEPT, CHANGED):
            parts = [
                rises[n][rows][self.sets.changes[n].verified[rows] | (not verified)]
                for n in self.names(group)
            ]
            found.append(np.concatenate(parts))
        return found[0], found[1]

    def tells(self, values: Mapping[str, np.ndarray]) -> float:
        """AUC over verified changes, from the Emo3D values of all sets by some setting."""
        return auc(*self.groups(self.rises("emo3d", values)))


def compare_changes(
    apart: Apart, right: Mapping[str, np.ndarray], replicates: int, seed: int
) -> dict[str, Any]:
    """Reactions to every change, and AUC of telling the groups apart.

    Args:
        right: name of a set → (N,) bool, the judge sees the prompt's dominant emotion.

    Returns:
        ``changes``: name → ``label``, ``group``, ``verified`` (how many), ``emotion_accuracy``, and for
        ``emo3d`` and ``mse`` an :func:`effect` of all and, with ``_verified``, of the verified changes; where
        the emotion is changed also ``auc`` of each score against all kept ones and ``unseen``, the share
        of verified changes that Emo3D punishes less than a tenth of the kept ones;
        ``pairs``: kept → changed → AUC of each score, verified changes; ``auc``: see :func:`told_apart`;
        ``emotion_pairs``: see :func:`emotion_pairs`.
    """
    rises = {score: apart.rises(score) for score in SCORES}
    table = {}
    for name, change in apart.sets.changes.items():
        table[name] = {
            "label": change.label,
            "group": change.group,
            "verified": int(change.verified.sum()),
            "emotion_accuracy": float(right[name].mean()),
            **{score: effect(rises[score][name], replicates, seed) for score in SCORES},
            **_of_verified(apart, name, rises, replicates, seed),
        }
    pairs = {
        kept: {
            name: {s: auc(rises[s][kept], rises[s][name][apart.sets.changes[name].verified]) for s in SCORES}
            for name in apart.names(CHANGED)
        }
        for kept in apart.names(KEPT)
    }
    told = {
        "verified": told_apart(apart, True, replicates, seed),
        "all": told_apart(apart, False, replicates, seed),
    }
    return {"changes": table, "pairs": pairs, "auc": told, "emotion_pairs": emotion_pairs(apart)}


def _of_verified(
    apart: Apart, name: str, rises: Mapping[str, Mapping[str, np.ndarray]], replicates: int, seed: int
) -> dict[str, Any]:
    change = apart.sets.changes[name]
    if change.group == KEPT or not change.verified.any():
        return {}
    found: dict[str, Any] = {"auc": {}}
    for score in SCORES:
        kept, _ = apart.groups(rises[score])
        own = rises[score][name][change.verified]
        found[f"{score}_verified"] = effect(own, replicates, seed)
        found["auc"][score] = auc(kept, own)
        if score == "emo3d":
            found["unseen"] = float((own < np.quantile(kept, SEEN_ABOVE)).mean())
    return found


def told_apart(apart: Apart, verified: bool, replicates: int, seed: int) -> dict[str, Any]:
    """AUC of telling the changed from the kept, by rises of a score over the true face's.

    Returns:
        ``kept``, ``changed``: how many; ``emo3d``, ``mse``, and ``difference`` (the former minus the latter)
        with 95 % intervals over prompts; ``pairs``: see :func:`rescued`, Emo3D being the first score;
        ``found``: score → share of false alarms → :func:`found_at`.
    """
    rises = {score: apart.rises(score) for score in SCORES}

    def value(score: str, rows: np.ndarray) -> float:
        return auc(*apart.groups(rises[score], rows, verified))

    count = len(apart.sets.true)
    statistics = {
        "emo3d": lambda rows: value("emo3d", rows),
        "mse": lambda rows: value("mse", rows),
        "difference": lambda rows: value("emo3d", rows) - value("mse", rows),
    }
    kept, changed = apart.groups(rises["emo3d"], verified=verified)
    errors = apart.groups(rises["mse"], verified=verified)
    found: dict[str, Any] = {"kept": len(kept), "changed": len(changed)}
    found |= {name: auc_interval(each, count, replicates, seed) for name, each in statistics.items()}
    at = {f"{100 * share:.0f} %": share for share in FALSE_ALARMS}
    alarms = {
        "emo3d": {name: found_at(kept, changed, share) for name, share in at.items()},
        "mse": {name: found_at(*errors, share) for name, share in at.items()},
    }
    return found | {"pairs": rescued(kept, changed, *errors), "found": alarms}


def emotion_pairs(apart: Apart) -> list[dict[str, Any]]:
    """How Emo3D rises where one emotion's parts were put into another's face, smallest mean first.

    Returns:
        rows with ``own``, ``other`` (names of emotions), ``changes`` (verified, at least 5), ``rise`` (mean)
        and ``unseen`` (share that rises less than 9 of 10 changes that keep the emotion do).
    """
    rises = apart.rises("emo3d")
    kept, _ = apart.groups(rises)
    limit = float(np.quantile(kept, SEEN_ABOVE))
    own, other = dominant(apart.sets.prompts.emotions), apart.sets.other_emotion
    found = []
    for a, b in sorted(set(zip(own.tolist(), other.tolist(), strict=True))):
        here = (own == a) & (other == b)
        each = np.concatenate([rises[n][here & apart.sets.changes[n].verified] for n in apart.names(CHANGED)])
        if len(each) >= FEWEST:
            names = {"own": EMOTIONS[a], "other": EMOTIONS[b], "changes": len(each)}
            found.append(names | {"rise": float(each.mean()), "unseen": float((each < limit).mean())})
    return sorted(found, key=lambda row: row["rise"])


def compare_series(
    series: Series, true: np.ndarray, values: Sequence[Mapping[str, np.ndarray]], totals: Sequence[float]
) -> dict[str, Any]:
    """Graded changes.

    Args:
        true: (N, 52). values: for each step the judge's values. totals: for each step that of the set.

    Returns:
        ``label``, ``unit``, ``amounts``; for each step ``emo3d`` and ``mse`` (of the set) and
        ``emotion_accuracy``; ``spearman``: for both scores the rank correlation with the amount ``set``, and
        over samples ``mean``, ``median``, ``lowest_tenth`` (a tenth of the samples lies below) and ``share``
        of the samples with at least .9.
    """
    errors = [((faces - true.astype(np.float64)) ** 2).mean(axis=1) for faces in series.faces]
    sets = {"emo3d": list(totals), "mse": [float(error.mean()) for error in errors]}
    rows = {"emo3d": np.stack([each["emo3d"] for each in values], axis=1), "mse": np.stack(errors, axis=1)}
    amounts = np.array(series.amounts)
    correlations = {}
    for score in SCORES:
        each = rank_correlation(amounts, rows[score])
        correlations[score] = {
            "set": float(rank_correlation(amounts, np.array(sets[score]))[0]),
            "mean": float(each.mean()),
            "median": float(np.median(each)),
            "lowest_tenth": float(np.quantile(each, 0.1)),
            "share": float((each >= 0.9).mean()),
        }
    seen = [float(each["right"].mean()) for each in values]
    return {"label": series.label, "unit": series.unit, "amounts": list(series.amounts), **sets,
            "emotion_accuracy": seen, "spearman": correlations}  # fmt: skip
