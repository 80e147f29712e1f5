"""Runs that differ by their seed alone, as one line: mean ± standard deviation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.evaluation.columns import LABELS
from emo3d_exp.evaluation.intervals import bootstrap_interval
from emo3d_exp.evaluation.leaderboard import WIDE, Entry, Leaderboard, per_sample
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

FIGURES: dict[str, tuple[str, str]] = {
    "mse": ("MSE ↓", ".4f"),
    "emo3d": ("Emo3D ↓", ".3f"),
    "r_at_10": ("R@10 ↑", ".3f"),
    "emotion_accuracy": ("right ↑", ".3f"),
    "parameters": ("parameters", ",.0f"),
    "train_seconds": ("seconds", ".1f"),
}
"""Key of ``metrics.json`` or ``model.json``: heading and format. An arrow points where better is."""

ESSENTIAL = ("mse", "emo3d")
"""Columns of a narrow terminal."""
LEGEND = (
    "Mean ± standard deviation over seeds. ↓ lower is better, ↑ higher. R@10: how often the prompt is among "
    "the 10 of those scored nearest to the face; right: how often the strongest emotion seen is its own; "
    "parameters: numbers that the run keeps, without a frozen backbone; seconds: to train, breaks left out, "
    "embeddings at hand. Against the best: mean paired difference of Emo3D (else of the MSE), seeds averaged "
    "prompt by prompt, with its 95 % interval."
)


@dataclass(frozen=True)
class System:
    """Runs of one system that differ by their seed alone, scored under the same conditions."""

    name: str
    conditions: str
    runs: tuple[Entry, ...]

    @property
    def score(self) -> float:
        """Mean of what entries are ranked by."""
        return float(np.mean([run.score for run in self.runs]))

    def figures(self) -> dict[str, tuple[float, float]]:
        """Mean and sample standard deviation over seeds (0 of one seed) of each figure that all runs have."""
        told = [{**run.training, **run.metrics} for run in self.runs]
        found = {}
        for key in FIGURES:
            if all(key in figures for figures in told):
                values = [float(figures[key]) for figures in told]
                found[key] = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        return found


def systems(board: Leaderboard) -> tuple[System, ...]:
    """The runs of a leaderboard by system, best first within the same conditions."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in board.entries:
        groups.setdefault((entry.conditions, entry.settings), []).append(entry)
    names = _names([runs[0] for runs in groups.values()])
    found = [
        System(name, letter, tuple(runs))
        for name, ((letter, _), runs) in zip(names, groups.items(), strict=True)
    ]
    return tuple(sorted(found, key=lambda s: (len(s.conditions), s.conditions, s.score)))


def _names(first: Sequence[Entry]) -> list[str]:
    """The system of each group; where two have the same, the name of a run beside it."""
    counts = [sum(other.system == entry.system for other in first) for entry in first]
    return [e.system if n == 1 else f"{e.system} ({e.run})" for e, n in zip(first, counts, strict=True)]


def behind(system: System, best: System) -> str:
    """Mean paired difference of Emo3D (or MSE) to the best system with its 95 % interval; values are averaged
    over seeds for each prompt first. Empty for the best itself, or where a per-sample table is missing."""
    ours, theirs = _by_prompt(system), _by_prompt(best)
    if system is best or ours is None or theirs is None:
        return ""
    both = ours.join(theirs, lsuffix="", rsuffix="_best", how="inner")
    difference = (both.iloc[:, 0] - both.iloc[:, 1]).to_numpy()
    low, high = bootstrap_interval(difference, both.index.get_level_values("sample_id").to_numpy())
    digits = FIGURES[difference_of(system)][1]
    values = (format(value, f"+{digits}") for value in (difference.mean(), low, high))
    mean, low, high = (re.sub(r"(?<!\d)0\.", ".", value) for value in values)
    return f"{mean} [{low}, {high}]"


def difference_of(system: System) -> str:
    """What systems are ranked and compared by."""
    return "emo3d" if "emo3d" in system.runs[0].metrics else "mse"


def _by_prompt(system: System) -> pd.Series | pd.DataFrame | None:
    import pandas as pd

    tables = [per_sample(run) for run in system.runs]
    if any(table is None for table in tables):
        return None
    return pd.concat(tables).groupby(["sample_id", "text_number"]).mean()


def rows(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    """Headings, and the cells of each system and, after the last one of its conditions, of each reference."""
    found = systems(board)
    keys = [key for key in FIGURES if any(key in system.figures() for system in found)]
    lines = []
    for number, system in enumerate(found):
        best = next(other for other in found if other.conditions == system.conditions)
        figures = system.figures()
        cells = [_cell(figures, key) for key in keys]
        lines.append([system.conditions, system.name, str(len(system.runs)), *cells, behind(system, best)])
        if number + 1 == len(found) or found[number + 1].conditions != system.conditions:
            for name, reference in system.runs[0].references.items():
                known = {key: (value, 0.0) for key, value in reference.items() if key in FIGURES}
                lines.append([system.conditions, LABELS[name], "", *(_cell(known, k) for k in keys), ""])
    return ["", "system", "seeds", *(FIGURES[key][0] for key in keys), "against the best"], lines


def _cell(figures: dict[str, tuple[float, float]], key: str) -> str:
    if key not in figures:
        return "–"
    mean, spread = (format(value, FIGURES[key][1]) for value in figures[key])
    text = f"{mean} ± {spread}" if float(spread) else mean
    return " ".join(part.removeprefix("0") if part.startswith("0.") else part for part in text.split(" "))


def print_systems(board: Leaderboard, console: Console | None = None) -> None:
    """Print the table, with fewer columns on a narrow terminal."""
    from rich.console import Console

    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    console.print(table(board, wide=console.width >= WIDE))


def table(board: Leaderboard, wide: bool = True) -> Table:
    """For the terminal; where it is not wide, systems, seeds, MSE and Emo3D."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    headings, lines = rows(board)
    if not wide:
        shown = [FIGURES[key][0] for key in ESSENTIAL]
        kept = [n for n, heading in enumerate(headings) if n < 3 or heading in shown]
        headings, *lines = ([row[n] for n in kept] for row in (headings, *lines))
    apart = bool(board.differing)
    title = f"Not comparable across letters: {', '.join(board.differing)} differ" if board.differing else None
    layout = {"box": SIMPLE_HEAD, "pad_edge": False, "collapse_padding": True, "caption_justify": "left"}
    made = Table(title=title, title_style="bold red", caption=escape(LEGEND), **layout)
    for number, heading in enumerate(headings[not apart :], start=not apart):
        made.add_column(heading, justify="left" if number < 2 else "right", no_wrap=number > 1)
    for line in lines:
        made.add_row(*map(escape, line[not apart :]), style="bold" if line[2] else None)
    return made


def write_markdown(board: Leaderboard, path: Path | str) -> Path:
    """The table as Markdown, for a README."""
    headings, lines = rows(board)
    shown = [line[not board.differing :] for line in (headings, ["---"] * len(headings), *lines)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in shown)
    with write_atomically(path) as partial:
        partial.write_text(f"{text}\n\n{LEGEND}\n", encoding="utf-8")
    return Path(path)
