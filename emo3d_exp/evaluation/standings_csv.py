"""Standings as CSV, with every figure unrounded."""

from __future__ import annotations

from pathlib import Path

from emo3d_exp.evaluation.conditions import plain_conditions
from emo3d_exp.evaluation.seeds import FIGURES
from emo3d_exp.evaluation.standings import Line, Standing, Standings
from emo3d_exp.runs import write_atomically


def write_csv(found: Standings, path: Path | str) -> Path:
    """One line a system and a reference.

    Columns: ``conditions`` (letter), ``system`` (references begin with ``reference:``), ``seeds``; of each
    figure the mean and ``<figure>_sd`` over seeds; ``mse_low``, ``mse_high``, ``emo3d_low``, ``emo3d_high``;
    ``<figure>_difference`` to the best with ``_low`` and ``_high``, and ``<figure>_best``, who that is; the
    conditions; ``differing``: those that are not the same on all lines, across which nothing compares.
    """
    import pandas as pd

    rows = [
        {"conditions": part.letter, **_row(line), **_best(part, line), **plain_conditions(part.facts)}
        | {"differing": " ".join(found.differing)}
        for part in found.parts
        for line in part.lines
    ]
    with write_atomically(path) as partial:
        pd.DataFrame(rows).to_csv(partial, index=False)
    return Path(path)


def _row(line: Line) -> dict[str, object]:
    name = line.name if line.seeds else f"reference: {line.name}"
    row: dict[str, object] = {"system": name, "seeds": str(line.seeds or "")}
    for key in FIGURES:
        if key in line.figures:
            row[key] = line.figures[key][0]
            row |= {f"{key}_sd": line.figures[key][1]} if line.seeds > 1 else {}
        if key in line.intervals:
            row[f"{key}_low"], row[f"{key}_high"] = line.intervals[key]
    return row


def _best(part: Standing, line: Line) -> dict[str, object]:
    row: dict[str, object] = {}
    for key, found in line.differences.items():
        row |= {
            f"{key}_best": part.best[key],
            f"{found.figure}_difference": found.mean,
            f"{found.figure}_difference_low": found.low,
            f"{found.figure}_difference_high": found.high,
        }
    return row
