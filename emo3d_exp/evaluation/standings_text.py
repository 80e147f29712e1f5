"""Standings on the terminal and as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emo3d_exp.evaluation.leaderboard import WIDE
from emo3d_exp.evaluation.pairing import in_brackets, short
from emo3d_exp.evaluation.seeds import FIGURES
from emo3d_exp.evaluation.standings import Line, Standing, Standings
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

ESSENTIAL = ("mse", "emo3d")
"""Figures of a narrow terminal."""
COMPARED = ("mse", "emo3d")
FIGURES_LEGEND = (
    "Mean ± standard deviation over seeds. ↓ lower is better, ↑ higher. 95 %: interval over prompts, seeds "
    "averaged. R@10: how often the prompt is among the 10 of those scored nearest to the face; right: how "
    "often the strongest emotion seen is its own."
)
LEGEND = (
    f"{FIGURES_LEGEND} Parameters: numbers that the run keeps, without a frozen backbone; seconds: to train, "
    "breaks left out, embeddings at hand."
)
DIFFERENCES = (
    "Against the best, the lowest by that figure: mean paired difference, seeds averaged prompt by prompt, "
    "with its 95 % interval; “beyond chance” where the interval leaves 0 out."
)


def mean_and_spread(line: Line, key: str) -> str:
    """``.600 ± .033``, without the spread of a single run; a dash where there is no figure."""
    if key not in line.figures:
        return "–"
    style = FIGURES[key][1]
    mean, spread = line.figures[key]
    text = short(mean, style)
    return f"{text} ± {short(spread, style)}" if float(format(spread, style.replace(",", ""))) else text


def interval(line: Line, key: str) -> str:
    """``.561–.583``; a dash where there is none."""
    if key not in line.intervals:
        return "–"
    return "–".join(short(end, FIGURES[key][1]) for end in line.intervals[key])


def against_best(line: Line, key: str) -> str:
    """``+.012 [+.001, +.022]``; empty for the best itself and for references."""
    found = line.differences.get(key)
    return in_brackets(found) if found else ""


def headings(standing: Standing) -> list[str]:
    """Of :func:`cells`."""
    found = ["system", "seeds"]
    for key in standing.shown():
        found.append(FIGURES[key][0])
        found += ["95 %", "against the best"] if key in COMPARED else []
    return found


def cells(standing: Standing) -> list[list[str]]:
    """A row for each system and reference."""
    rows = []
    for line in standing.lines:
        row = [line.name, str(line.seeds or "")]
        for key in standing.shown():
            row.append(mean_and_spread(line, key))
            row += [interval(line, key), against_best(line, key)] if key in COMPARED else []
        rows.append(row)
    return rows


def print_standings(found: Standings, console: Console | None = None, tables: bool = True) -> None:
    """Print a table for each set of conditions, and what the paired differences say in sentences.

    Args:
        tables: False: the sentences and conditions alone, below a table of single runs.
    """
    from rich.console import Console
    from rich.markup import escape

    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    if found.warning and tables:
        console.print(escape(found.warning), style="bold red")
    for part in found.parts:
        if tables:
            console.print(_table(part, console.width >= WIDE))
        lettered = f"{part.letter}: " if found.warning else ""
        for remark in part.remarks():
            console.print(escape(f"{lettered}{remark}"), highlight=False)
        console.print(escape(f"{lettered}{part.conditions}"), style="dim", highlight=False)
    if tables:
        console.print(escape(LEGEND), style="dim", highlight=False)


def _table(part: Standing, wide: bool) -> Table:
    """The differences are left to the sentences, which need no column."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    keys = [key for key in part.shown() if wide or key in ESSENTIAL]
    layout = {"box": SIMPLE_HEAD, "pad_edge": False, "collapse_padding": True, "caption_justify": "left"}
    made = Table("system", **layout)
    made.add_column("seeds", justify="right")
    for key in keys:
        made.add_column(FIGURES[key][0], justify="right", no_wrap=True)
        if wide and key in COMPARED:
            made.add_column("95 %", justify="right", no_wrap=True)
    for line in part.lines:
        row = [line.name, str(line.seeds or "")]
        for key in keys:
            row.append(mean_and_spread(line, key))
            row += [interval(line, key)] if wide and key in COMPARED else []
        made.add_row(*map(escape, row), style="bold" if line.seeds else None)
    return made


def write_markdown(found: Standings, path: Path | str) -> Path:
    """The tables as Markdown, each with its conditions; where these are several, below the warning, each
    under its letter."""
    blocks = [f"**{_markdown(found.warning)}**"] if found.warning else []
    for part in found.parts:
        lettered = f"{part.letter}: " if found.warning else ""
        blocks += [f"## Conditions {part.letter}"] if found.warning else []
        rows = [headings(part), ["---"] * len(headings(part)), *cells(part)]
        blocks.append("\n".join(f"| {' | '.join(map(_markdown, row))} |" for row in rows))
        if remarks := part.remarks():
            blocks.append("\n".join(f"- {_markdown(remark)}" for remark in remarks))
        blocks.append(_markdown(f"{lettered}{part.conditions}."))
    with write_atomically(path) as partial:
        partial.write_text("\n\n".join([*blocks, LEGEND, DIFFERENCES]) + "\n", encoding="utf-8")
    return Path(path)


def _markdown(text: str) -> str:
    """With what would end a cell or begin HTML or emphasis escaped; an underscore within a word does not."""
    for character in "\\|<*`":
        text = text.replace(character, f"\\{character}")
    return text
