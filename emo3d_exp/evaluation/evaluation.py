"""The result of scoring one system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.evaluation.bank import PromptBank
from emo3d_exp.evaluation.intervals import bootstrap_interval
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.vocab import EMOTIONS, dominant

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
"""Of ``metrics.json``."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of a system beside those of the references.

    Attributes:
        metrics: of the system; the keys are those of :func:`summary`.
        references: the same, where they make sense, for each of ``REFERENCES``.
        provenance: what the figures depend on, plain values.
        per_sample: one row a prompt, in the order of ``prompts``; see :func:`per_sample_table`.
        prompts, predictions: that were scored, row by row. bank: None where the MSE alone was asked for.
    """

    metrics: dict[str, float]
    references: dict[str, dict[str, float]]
    provenance: dict[str, Any]
    per_sample: pd.DataFrame
    prompts: Prompts
    predictions: Predictions
    bank: PromptBank | None

    def content(self) -> dict[str, Any]:
        """What ``metrics.json`` holds."""
        return {
            "schema": SCHEMA,
            "metrics": self.metrics,
            "references": self.references,
            "provenance": self.provenance,
        }


def summary(values: dict[str, np.ndarray], prompts: Prompts, replicates: int, seed: int) -> dict[str, float]:
    """Means over prompts of what is known about a system's faces.

    Lower is better: ``mse`` and ``mse_51`` (blendshape errors), ``emo3d`` (in [0.5, 1)), ``emo3d_kl``
    (nats); ``mse_low``, ``mse_high``, ``emo3d_low``, ``emo3d_high`` are the ends of 95 % bootstrap
    intervals. Higher is better: ``emotion_accuracy`` (the strongest emotion of the nearest prompts
    together is the prompt's strongest), ``emotion_accuracy_no_neutral`` (the same over prompts that are
    not mainly neutral), ``r_at_10`` (the prompt itself is among the 10 of the N scored prompts that are
    nearest to the picture).
    """
    figures: dict[str, float] = {}
    for name, key in (("mse", "mse"), ("mse_51", "mse_51"), ("emo3d", "emo3d"), ("kl", "emo3d_kl")):
        if name in values:
            figures[key] = float(values[name].mean())
        if name in values and name in ("mse", "emo3d"):
            ends = bootstrap_interval(values[name], prompts.sample_id, replicates=replicates, seed=seed)
            figures[f"{name}_low"], figures[f"{name}_high"] = ends
    if "shown" in values:
        asked = dominant(prompts.emotions)
        right = dominant(values["shown"]) == asked
        figures["emotion_accuracy"] = float(right.mean())
        if (asked > 0).any():
            figures["emotion_accuracy_no_neutral"] = float(right[asked > 0].mean())
    if "retrieved" in values:
        figures["r_at_10"] = float(values["retrieved"].mean())
    return figures


def per_sample_table(
    values: dict[str, np.ndarray], prompts: Prompts, bank: PromptBank | None
) -> pd.DataFrame:
    """One row a prompt.

    Columns: ``sample_id``, ``text_number``, ``text``, ``dominant`` (emotion), ``mse``, ``mse_51``; and where
    faces were judged ``emo3d``, ``kl``, ``predicted_dominant``, ``shown_<emotion>`` (distribution of the
    nearest prompts together), ``neighbours`` (their sample ids, nearest first) and ``neighbour_texts``.
    """
    import pandas as pd

    names = np.array(EMOTIONS, dtype=object)
    columns: dict[str, Any] = {
        "sample_id": prompts.sample_id,
        "text_number": prompts.text_number,
        "text": list(prompts.text),
        "dominant": names[dominant(prompts.emotions)],
        "mse": values["mse"],
        "mse_51": values["mse_51"],
    }
    if bank is not None:
        near = values["neighbours"]
        columns |= {"emo3d": values["emo3d"], "kl": values["kl"]}
        columns["predicted_dominant"] = names[dominant(values["shown"])]
        columns |= {f"shown_{name}": values["shown"][:, i] for i, name in enumerate(EMOTIONS)}
        columns["neighbours"] = bank.sample_id[near].tolist()
        columns["neighbour_texts"] = [[bank.text[row] for row in rows] for rows in near]
    return pd.DataFrame(columns)
