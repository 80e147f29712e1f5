"""The result of scoring one system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.evaluation.bank import PromptBank
from emo3d_exp.metrics import RECALLS
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.vocab import EMOTIONS, dominant

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 2
ERRORS = ("mse", "mae", "correlation")
"""Of ``metrics.json``."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of a system beside those of the references.

    Attributes:
        metrics: of the system; the keys are those of :func:`~emo3d_exp.evaluation.summary.summary`.
        references: the same, where they make sense, for each of ``REFERENCES``.
        provenance: what the figures depend on, plain values.
        per_sample: one row a prompt, in the order of ``prompts``; see :func:`per_sample_table`.
        prompts, predictions: that were scored, row by row. bank: None where the MSE alone was asked for.
        emotions: dominant emotion → ``prompts`` (how many) and the means of ``mse``, ``emo3d`` and
            ``emotion_accuracy`` over them.
        confusion: (8, 8) counts of prompts, dominant emotion asked for by the one seen; None without a judge.
    """

    metrics: dict[str, float]
    references: dict[str, dict[str, float]]
    provenance: dict[str, Any]
    per_sample: pd.DataFrame
    prompts: Prompts
    predictions: Predictions
    bank: PromptBank | None
    emotions: dict[str, dict[str, float]]
    confusion: list[list[int]] | None

    def content(self) -> dict[str, Any]:
        """What ``metrics.json`` holds."""
        return {
            "schema": SCHEMA,
            "metrics": self.metrics,
            "references": self.references,
            "emotions": self.emotions,
            "confusion": self.confusion,
            "provenance": self.provenance,
        }


def per_sample_table(
    values: dict[str, np.ndarray], prompts: Prompts, bank: PromptBank | None
) -> pd.DataFrame:
    """One row a prompt.

    Columns: ``sample_id``, ``text_number``, ``text``, ``dominant`` (emotion), the blendshape errors (``mse``,
    ``mse_51``, ``mae``, ``mse_<region>``, ``correlation``, ``mse_best`` where samples have several faces);
    where faces were judged ``emo3d``, ``kl``, ``js``, ``r_at_1``, ``r_at_5``, ``r_at_10``,
    ``predicted_dominant``, ``shown_<emotion>`` (distribution of the nearest prompts together), ``neighbours``
    (their sample ids, nearest first) and ``neighbour_texts``. Where the values of several looks are averaged,
    these are means over the looks, but for the neighbours, which are those of the first look.
    """
    import pandas as pd

    names = np.array(EMOTIONS, dtype=object)
    columns: dict[str, Any] = {
        "sample_id": prompts.sample_id,
        "text_number": prompts.text_number,
        "text": list(prompts.text),
        "dominant": names[dominant(prompts.emotions)],
        **{name: rows for name, rows in values.items() if name.startswith(ERRORS)},
    }
    if bank is not None:
        near = values["neighbours"]
        columns |= {name: values[name] for name in ("emo3d", "kl", "js", *(f"r_at_{k}" for k in RECALLS))}
        columns["predicted_dominant"] = names[dominant(values["shown"])]
        columns |= {f"shown_{name}": values["shown"][:, i] for i, name in enumerate(EMOTIONS)}
        columns["neighbours"] = bank.sample_id[near].tolist()
        columns["neighbour_texts"] = [[bank.text[row] for row in rows] for rows in near]
    return pd.DataFrame(columns)
