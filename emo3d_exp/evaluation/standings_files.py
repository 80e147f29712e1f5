"""Standings as CSV, with every figure unrounded, and as LaTeX."""

from __future__ import annotations

from pathlib import Path

from emo3d_exp.evaluation.conditions import plain_conditions
from emo3d_exp.evaluation.pairing import in_brackets
from emo3d_exp.evaluation.seeds import FIGURES
from emo3d_exp.evaluation.standings import Line, Standing, Standings
from emo3d_exp.evaluation.standings_text import DIFFERENCES, FIGURES_LEGEND, interval, mean_and_spread
from emo3d_exp.runs import write_atomically

PRINTED = ("mse", "emo3d", "r_at_10", "emotion_accuracy")
"""Figures of the LaTeX table, which has to fit a page."""
HEADINGS = {"mse": "MSE", "emo3d": "Emo3D", "r_at_10": "R@10", "emotion_accuracy": "Right"}
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "±": r"$\pm$", "–": "--", "ε": r"$\varepsilon$", "↓": r"$\downarrow$",
    "↑": r"$\uparrow$", "“": "``", "”": "''", "−": "$-$", "[": "{[}", "]": "{]}",
}  # fmt: skip


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


def write_latex(found: Standings, path: Path | str) -> Path:
    """A ``table*`` with booktabs rules for ``\\input``; one for each set of conditions."""
    head = "% needs \\usepackage{booktabs}"
    text = "\n\n".join([head, *(_latex_table(found, part) for part in found.parts)])
    with write_atomically(path) as partial:
        partial.write_text(f"{text}\n", encoding="utf-8")
    return Path(path)


def latex(text: str) -> str:
    """Text in which no character means anything to LaTeX."""
    return "".join(SPECIAL.get(character, character) for character in text)


def _latex_table(found: Standings, part: Standing) -> str:
    keys = [key for key in PRINTED if key in part.shown()]
    columns, heads = "lr", ["System", "Seeds"]
    for key in keys:
        arrow = FIGURES[key][0][-1]
        columns += "rrr" if key in part.best else "r"
        heads += [latex(f"{HEADINGS[key]} {arrow}")]
        heads += [latex("95 %"), "vs. best"] if key in part.best else []
    body = [_latex_row(part, line, keys) for line in part.lines if line.seeds]
    below = [_latex_row(part, line, keys) for line in part.lines if not line.seeds]
    lettered = f"{found.warning}; this is {part.letter}. " if found.warning else ""
    caption = latex(f"{lettered}{part.conditions}. {FIGURES_LEGEND} {DIFFERENCES}")
    return "\n".join(
        [
            r"\begin{table*}", r"\centering\small", rf"\begin{{tabular}}{{{columns}}}", r"\toprule",
            " & ".join(heads) + r" \\", r"\midrule", *body, r"\midrule", *below, r"\bottomrule",
            r"\end{tabular}", rf"\caption{{{caption}}}", rf"\label{{tab:emo3d-{part.letter.lower()}}}",
            r"\end{table*}",
        ]
    )  # fmt: skip


def _latex_row(part: Standing, line: Line, keys: list[str]) -> str:
    found = [latex(line.name), str(line.seeds or "")]
    for key in keys:
        figure = latex(mean_and_spread(line, key))
        leads = line.seeds and part.best.get(key) == line.name
        found.append(rf"\textbf{{{figure}}}" if leads else figure)
        if key in part.best:
            other = line.differences.get(key)
            found += [latex(interval(line, key)), _signed(in_brackets(other)) if other else ""]
    return " & ".join(found) + r" \\"


def _signed(text: str) -> str:
    """With minus signs where there are hyphens."""
    return latex(text.replace("-", "−"))
