"""Two systems on the same prompts: by how much one is better, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.intervals import bootstrap_interval

if TYPE_CHECKING:
    import pandas as pd

KEYS = ["sample_id", "text_number"]
LABELS = {"emo3d": "Emo3D", "emo3d_kl": "KL", "mse": "MSE"}
COLUMN = {"emo3d": "emo3d", "emo3d_kl": "kl", "mse": "mse"}
"""Figure: the column of the per-sample table whose mean it is."""
DIGITS = {"emo3d": 3, "emo3d_kl": 3, "mse": 4}
MORE_DIGITS = 3
REPLICATES = 1000
"""Of the bootstrap, where results do not say."""
FEWEST = 10
"""Samples from which on an interval is believed: of few it is too narrow, and of one it has no width."""


@dataclass(frozen=True)
class Difference:
    """Mean of one system's values minus another's, prompt by prompt.

    Attributes:
        figure: key of :data:`LABELS`; lower is better of all of them.
        mean: negative where the first system is better. low, high: its 95 % bootstrap interval over
            samples.
        prompts, samples: that both have answered.
    """

    figure: str
    mean: float
    low: float
    high: float
    prompts: int
    samples: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves 0 out; never where the samples are too few to tell."""
        return self.enough and (self.low > 0 or self.high < 0)

    @property
    def enough(self) -> bool:
        """Whether there are samples enough for the interval to mean anything."""
        return self.samples >= FEWEST


def compared_figures(metrics: Mapping[str, float], provenance: Mapping[str, Any]) -> tuple[str, ...]:
    """What results are compared by. A pooled Emo3D is no mean over prompts; its KL is, and rises with it."""
    if "emo3d" not in metrics:
        return ("mse",)
    return ("emo3d_kl" if provenance.get("aggregation") == "pooled" else "emo3d", "mse")


def read_values(metrics_file: Path, figures: Sequence[str]) -> pd.DataFrame | None:
    """Values of every prompt by (sample_id, text_number); None where ``per_sample.parquet`` is missing."""
    import pandas as pd

    path = metrics_file.with_name("per_sample.parquet")
    if not path.is_file():
        return None
    table = pd.read_parquet(path, columns=[*KEYS, *(COLUMN[figure] for figure in figures)])
    return table.set_index(KEYS).set_axis(list(figures), axis=1)


def replicates_of(*provenances: Mapping[str, Any]) -> int:
    """Bootstrap draws behind a difference of results: as many as the surest of them was made with."""
    return max((int(facts["bootstrap"]) for facts in provenances if "bootstrap" in facts), default=REPLICATES)


def difference(
    ours: pd.DataFrame, theirs: pd.DataFrame, figure: str, replicates: int = REPLICATES, seed: int = 0
) -> Difference:
    """The paired difference of two tables of :func:`read_values`.

    Args:
        replicates, seed: of the bootstrap; see :func:`replicates_of`.

    Raises:
        DataError: they do not hold the same prompts.
    """
    if len(ours) != len(theirs) or not ours.index.sort_values().equals(theirs.index.sort_values()):
        raise DataError(
            f"the results hold different prompts ({len(ours)} and {len(theirs)}), which cannot be paired; "
            "score both again on the same part"
        )
    values = (ours[figure] - theirs[figure].reindex(ours.index)).to_numpy()
    ids = ours.index.get_level_values("sample_id").to_numpy()
    low, high = bootstrap_interval(values, ids, replicates=replicates, seed=seed)
    return Difference(figure, float(values.mean()), low, high, len(values), len(np.unique(ids)))


def sentence(ours: str, theirs: str, found: Difference) -> str:
    """``clip_mlp is lower than vae_clip by .012 [.001, .022]``, or that it may be chance, or that
    the samples are too few for a verdict."""
    if not found.enough:
        return f"too few samples to tell {ours} from {theirs} ({in_brackets(found)})"
    if not found.beyond_chance:
        words = f"no difference between {ours} and {theirs} beyond chance"
        return f"{words} ({in_brackets(found)})"
    lower = found.mean < 0
    size = _turned(found) if lower else found
    return f"{ours} is {'lower' if lower else 'higher'} than {theirs} by {in_brackets(size, signed=False)}"


def in_brackets(found: Difference, signed: bool = True) -> str:
    """``+.012 [+.001, +.022]``, with so many digits that an end beside 0 does not read as 0; the number of
    samples in place of the ends where they are too few."""
    digits = _digits(found)
    values = (found.mean, found.low, found.high)
    mean, low, high = (short(value, f"{'+' if signed else ''}.{digits}f") for value in values)
    if not found.enough:
        return f"{mean}, {found.samples} sample{'s' * (found.samples != 1)}"
    return f"{mean} [{low}, {high}]"


def short(value: float, style: str) -> str:
    """A number without the 0 before its point and without a sign before 0."""
    text = format(value, style)
    sign, digits = (text[0], text[1:]) if text[:1] in "+-" else ("", text)
    if not digits.replace(".", "").replace(",", "").strip("0"):
        sign = ""
    return sign + (digits.removeprefix("0") if digits.startswith("0.") else digits)


def _turned(found: Difference) -> Difference:
    return Difference(found.figure, -found.mean, -found.high, -found.low, found.prompts, found.samples)


def _digits(found: Difference) -> int:
    least = DIGITS[found.figure]
    nearest = min(abs(found.low), abs(found.high))
    for digits in range(least, least + MORE_DIGITS):
        if not found.beyond_chance or round(nearest, digits) > 0:
            return digits
    return least + MORE_DIGITS
