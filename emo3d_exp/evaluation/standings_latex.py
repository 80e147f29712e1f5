"""Standings as LaTeX tables that fit a page of two columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emo3d_exp.evaluation.conditions import Facts, looks_in_words, value_in_words
from emo3d_exp.evaluation.pairing import in_brackets
from emo3d_exp.evaluation.seeds import FIGURES
from emo3d_exp.evaluation.standings import Line, Standing, Standings
from emo3d_exp.evaluation.standings_text import DIFFERENCES, FIGURES_LEGEND, interval, mean_and_spread
from emo3d_exp.evaluation.wording import counted
from emo3d_exp.runs import write_atomically

PRINTED = ("mse", "emo3d", "r_at_10", "emotion_accuracy")
"""Figures of the LaTeX table, which has to fit a page."""
HEADINGS = {"mse": "MSE", "emo3d": "Emo3D", "r_at_10": "R@10", "emotion_accuracy": "Right"}
FINGERPRINTS = ("data", "split_hash", "renderer")
"""Conditions that have no name."""
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "±": r"$\pm$", "–": "--", "ε": r"$\varepsilon$", "↓": r"$\downarrow$",
    "↑": r"$\uparrow$", "“": "``", "”": "''", "−": "$-$", "[": "{[}", "]": "{]}",
}  # fmt: skip


def write_latex(found: Standings, path: Path | str) -> Path:
    """A ``table*`` with booktabs rules for ``\\input``; one for each set of conditions.

    Captions name the conditions; the fingerprints of data, judge, rig and bank stand in a comment above the
    table, and in the caption too where names alone do not tell the tables apart.
    """
    head = "% needs \\usepackage{booktabs}"
    text = "\n\n".join([head, *(_latex_table(found, part) for part in found.parts)])
    with write_atomically(path) as partial:
        partial.write_text(f"{text}\n", encoding="utf-8")
    return Path(path)


def latex(text: str) -> str:
    """Text in which no character means anything to LaTeX."""
    return "".join(SPECIAL.get(character, character) for character in text)


def told_by_names(found: Standings) -> bool:
    """Whether the names of what differs are as many as the things that do, fingerprints left out."""
    facts = [part.facts for part in found.parts]
    return all(
        len({_named(own, key) for own in facts}) == len({value_in_words(own, key) for own in facts})
        for key in found.differing
    )


def _named(facts: Facts, key: str) -> str:
    """A condition in words, without fingerprints: empty where there is nothing else to it."""
    value: Any = facts.get(key)
    if value is None:
        return "none"
    if key in FINGERPRINTS:
        return ""
    if key in ("judge", "rig"):
        return str(value["name"])
    if key == "bank":
        return f"bank of {value['size']} prompts of {value['split']} (draw {value['seed']})"
    return value_in_words(facts, key)


def conditions_by_name(facts: Facts) -> str:
    """:func:`~emo3d_exp.evaluation.conditions.in_one_line` without fingerprints."""
    part = f"{counted(facts['prompts'], 'prompt')} of the part {facts['split']}"
    if not facts.get("judge"):
        return f"{part}; no judge: blendshape errors alone"
    own = "left out" if facts.get("exclude_self") else "not left out"
    told = [
        part,
        *(f"{key} {_named(facts, key)}" for key in ("judge", "rig")),
        looks_in_words(facts["looks"]),
    ]
    told += [_named(facts, "bank"), f"own sample {own}"]
    told += [f"k={facts['k']}, ε={facts['eps']}, {facts['aggregation']}, seed {facts['seed']}"]
    return "; ".join(told)


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
    conditions = conditions_by_name(part.facts) if told_by_names(found) else part.conditions
    caption = latex(f"{lettered}{conditions}. {FIGURES_LEGEND} {DIFFERENCES}")
    return "\n".join(
        [
            f"% {part.letter}: {' '.join(part.conditions.split())}",
            r"\begin{table*}", r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
            rf"\begin{{tabular}}{{{columns}}}", r"\toprule",
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
