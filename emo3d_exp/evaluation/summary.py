"""Figures of a set of faces, from the values of its prompts."""

from __future__ import annotations

import numpy as np

from emo3d_exp.evaluation.intervals import bootstrap_interval
from emo3d_exp.metrics import RECALLS, aggregate, emo3d_from_kl
from emo3d_exp.records import Prompts
from emo3d_exp.vocab import EMOTIONS, REGIONS, dominant

Values = dict[str, np.ndarray]
Figures = dict[str, float]

MEANS = {
    "mse": "mse",
    "mse_51": "mse_51",
    "mae": "mae",
    **{f"mse_{region}": f"mse_{region}" for region in REGIONS},
    "mse_best": "mse_best",
    "correlation": "correlation",
    "kl": "emo3d_kl",
    "js": "emo3d_js",
    **{f"r_at_{count}": f"r_at_{count}" for count in RECALLS},
}
"""Value of a prompt → key of the figure that is its mean."""


def summary(
    values: Values, prompts: Prompts, replicates: int, seed: int, aggregation: str = "per_sample"
) -> Figures:
    """What is known about a system's faces, over all prompts.

    Lower is better: ``mse``, ``mse_51``, ``mae``, ``mse_<region>`` and ``mse_best`` (blendshape errors, see
    :func:`~emo3d_exp.metrics.blendshape_errors` and :func:`~emo3d_exp.metrics.best_of_references`), ``emo3d``
    (in [0.5, 1)), ``emo3d_kl`` and ``emo3d_js`` (nats); ``mse_low``, ``mse_high``, ``emo3d_low``,
    ``emo3d_high`` are the ends of 95 % bootstrap intervals. Higher is better: ``correlation`` (over prompts
    where it exists), ``emotion_accuracy`` (the strongest emotion of the nearest prompts together is the
    prompt's strongest), ``emotion_accuracy_no_neutral`` (the same over prompts that are not mainly neutral),
    ``r_at_1``, ``r_at_5``, ``r_at_10`` (the prompt itself is among so many of the N scored prompts that are
    nearest to the picture).
    """
    known = {key: values[name] for name, key in MEANS.items() if name in values}
    figures = {key: float(np.nanmean(rows)) for key, rows in known.items() if not np.isnan(rows).all()}
    ids = prompts.sample_id

    def interval(rows: np.ndarray) -> tuple[float, float]:
        return bootstrap_interval(rows, ids, replicates=replicates, seed=seed)

    if "mse" in values:
        figures["mse_low"], figures["mse_high"] = interval(values["mse"])
    if "kl" in values:
        pooled = aggregation == "pooled"
        rows = values["kl" if pooled else "emo3d"]
        ends = interval(rows)
        figures["emo3d"] = aggregate(rows, "pooled") if pooled else float(rows.mean())
        figures["emo3d_low"], figures["emo3d_high"] = emo3d_from_kl(ends).tolist() if pooled else ends
        asked = dominant(prompts.emotions)
        right = dominant(values["shown"]) == asked
        figures["emotion_accuracy"] = float(right.mean())
        if (asked > 0).any():
            figures["emotion_accuracy_no_neutral"] = float(right[asked > 0].mean())
    return figures


def relative(figures: dict[str, Figures]) -> dict[str, Figures]:
    """Add ``mse_relative`` and ``emo3d_relative``: 0 is the ground truth, 1 another sample's face.

    (value - ground truth) / (another's face - ground truth), which makes judges, banks and data sets
    comparable as far as that is possible. Left out where the two references are equal or absent.
    """
    truth, other = figures["ground_truth"], figures.get("other_sample", {})
    for key in ("mse", "emo3d"):
        span = other.get(key, np.nan) - truth.get(key, np.nan)
        if not np.isfinite(span) or span == 0:
            continue
        for own in figures.values():
            if key in own:
                own[f"{key}_relative"] = (own[key] - truth[key]) / span
    return figures


def by_emotion(values: Values, prompts: Prompts) -> dict[str, Figures]:
    """For each dominant emotion of the prompts their number, and means over them."""
    asked = dominant(prompts.emotions)
    table = {}
    for label, name in enumerate(EMOTIONS):
        rows = asked == label
        if not rows.any():
            continue
        table[name] = {"prompts": int(rows.sum()), "mse": float(values["mse"][rows].mean())}
        if "shown" in values:
            table[name]["emo3d"] = float(values["emo3d"][rows].mean())
            table[name]["emotion_accuracy"] = float((dominant(values["shown"])[rows] == label).mean())
    return table


def confusion(values: Values, prompts: Prompts) -> list[list[int]] | None:
    """(8, 8) counts: row asked for, column seen; None where faces were not judged."""
    if "shown" not in values:
        return None
    table = np.zeros((len(EMOTIONS), len(EMOTIONS)), dtype=np.int64)
    np.add.at(table, (dominant(prompts.emotions), dominant(values["shown"])), 1)
    return table.tolist()
