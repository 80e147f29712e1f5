"""A comparison on the terminal and as Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from emo3d_exp.comparison.cells import group_headings, group_rows, numeric, rows, setting
from emo3d_exp.comparison.grouping import Grouping
from emo3d_exp.comparison.naming import short_names
from emo3d_exp.comparison.run import FACTS, STATUSES
from emo3d_exp.comparison.table import Comparison
from emo3d_exp.evaluation.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 132
NOTES = 12
"""Lines about what was left out that a terminal shows."""
FEW = 4
"""Columns of settings that a terminal has room for."""


def print_comparison(found: Comparison, groups: Grouping | None, console: Console | None = None) -> None:
    """The table, groups instead of runs where there are some, and what it leaves out."""
    from rich.console import Console
    from rich.markup import escape

    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    told = []
    if groups is None:
        headings, body, left = _of_runs(found, console.width)
        right = [numeric(found, name) or name == "duration" for name in headings]
    else:
        headings, body = group_headings(groups), group_rows(groups)
        right = [False] * len(groups.keys) + [True] * (1 + len(groups.metrics))
        left = _too_wide(headings, body, list(reversed(groups.metrics[1:])), console.width)
        told.append("mean ± sample standard deviation over the n runs of a line")
        if groups.repeated:
            told.append(
                f"{counted(groups.repeated, 'line')} with a seed that stands twice: n is more than seeds"
            )
    _print(console, headings, body, right, left)
    told += _remarks(found, left)
    for line in told:
        console.print(escape(line), style="dim", highlight=False)
    for line in found.warnings:
        console.print(escape(line), style="bold red", highlight=False)
    for note in found.notes[:NOTES]:
        console.print(escape(note), style="yellow", highlight=False)
    if len(found.notes) > NOTES:
        left_out = len(found.notes) - NOTES
        console.print(f"… and {counted(left_out, 'line')} more, which out=FOLDER has", style="yellow")


def _of_runs(found: Comparison, width: int) -> tuple[list[str], list[list[str]], list[str]]:
    """Headings, rows, and columns for which there is no room; names are shortened before settings go."""
    headings, body = list(found.columns), rows(found)
    spare = _spare(found)
    left = _too_wide(headings, body, spare, width)
    if {"status", "duration", *found.keys, *found.metrics[1:FEW]}.intersection(left):
        at = headings.index("run")
        shorter = short_names([row[at] for row in body])
        body = [[*row[:at], name, *row[at + 1 :]] for row, name in zip(body, shorter, strict=True)]
        left = _too_wide(headings, body, spare, width)
    return headings, body, left


def _spare(found: Comparison) -> list[str]:
    """Columns that a terminal can do without, the least missed first: figures go before settings."""
    facts = [name for name in ("started", "group", "sweep", "commit") if name in found.facts]
    status = ["status"] if len({run.status for run in found.runs}) == 1 else []
    metrics, keys = found.metrics, found.keys
    order = [*facts, *reversed(metrics[FEW:]), "duration", *status, *reversed(keys[FEW:])]
    order += [*reversed(metrics[2:FEW]), *reversed(keys[:FEW]), *metrics[1:2]]
    return list(dict.fromkeys(order))


def _print(
    console: Console,
    headings: Sequence[str],
    body: list[list[str]],
    right: Sequence[bool],
    left: Sequence[str],
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    kept = [at for at, heading in enumerate(headings) if heading not in left]
    for at in kept:
        parts = "\n".join(_parts(headings[at]))
        table.add_column(escape(parts), justify="right" if right[at] else "left", overflow="fold")
    for row in body:
        table.add_row(*(escape(row[at]) for at in kept))
    console.print(table)


def _parts(heading: str) -> list[str]:
    """A name of two parts on two lines."""
    return re.split(r"(?<=[/.])(?=[^/.]+$)", heading)


def _too_wide(
    headings: Sequence[str], body: Sequence[Sequence[str]], spare: Sequence[str], width: int
) -> list[str]:
    """Those of the spare columns for which a terminal has no room, as they stand in the table."""
    widths = {
        heading: 2 + max(map(len, [*_parts(heading), *(row[at] for row in body)]))
        for at, heading in enumerate(headings)
    }
    left = []
    for name in spare:
        if sum(own for heading, own in widths.items() if heading not in left) <= width:
            break
        left.append(name)
    return [heading for heading in headings if heading in left]


def _remarks(found: Comparison, left: Sequence[str]) -> list[str]:
    told = [f"{counted(len(found.runs), 'run')}, {_statuses(found)}"]
    if found.searched:
        told[0] += f"; judged by {found.metric}, which their search improves"
    if left:
        told[0] += f"; no room for: {', '.join(left)} (columns=…, metrics=… choose, out=FOLDER has all)"
    for key in dict.fromkeys(found.follow.values()):
        own = [other for other, by in found.follow.items() if by == key]
        shown = ", ".join(own[:FEW]) + (f" and {len(own) - FEW} more" if len(own) > FEW else "")
        told.append(f"goes along with {key}: {shown}")
    told.append(f"{counted(len(found.constant), 'setting is', 'settings are')} the same for all")
    return told


def _statuses(found: Comparison) -> str:
    all_of = [run.status for run in found.runs]
    return ", ".join(f"{all_of.count(status)} {status}" for status in STATUSES if status in all_of)


def markdown(found: Comparison, groups: Grouping | None) -> str:
    """Groups, runs, notes, and the settings that are the same for all."""
    blocks = ["# Runs compared"]
    if groups is not None:
        blocks += [_markdown_table(group_headings(groups), group_rows(groups))]
        blocks += ["Mean ± sample standard deviation over the n runs of a line."]
    blocks += [_markdown_table(found.columns, rows(found)), "\n".join(_remarks(found, []))]
    minded = [*(f"**{_cell(line)}**" for line in found.warnings), *map(_cell, found.notes)]
    blocks += ["\n".join(f"- {line}" for line in minded)] if minded else []
    same = [[key, setting(value)] for key, value in found.constant.items()]
    blocks += ["## The same for all", _markdown_table(["setting", "value"], same)] if same else []
    return "\n\n".join(blocks) + "\n"


def _markdown_table(headings: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *body]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    for character in "\\|<*`":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def latex_table(found: Comparison, groups: Grouping | None) -> str:
    """A ``tabular`` with booktabs rules for ``\\input``: groups, or else runs, without times."""
    from emo3d_exp.evaluation.standings_latex import (
        latex,
    )  # it brings what a table on the terminal does not need

    if groups is not None:
        headings, body = group_headings(groups), group_rows(groups)
        right = [False] * len(groups.keys) + [True] * (1 + len(groups.metrics))
    else:
        headings = [name for name in found.columns if name not in FACTS[1:]]
        at = [found.columns.index(name) for name in headings]
        body, right = (
            [[row[place] for place in at] for row in rows(found)],
            [numeric(found, n) for n in headings],
        )
    lines = [" & ".join(map(latex, row)) + r" \\" for row in body]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            rf"\begin{{tabular}}{{{''.join('r' if to_right else 'l' for to_right in right)}}}", r"\toprule",
            " & ".join(map(latex, headings)) + r" \\", r"\midrule", *lines, r"\bottomrule", r"\end{tabular}",
        ]
    ) + "\n"  # fmt: skip


def runs_csv(found: Comparison) -> str:
    """Every fact, every setting that differs and every metric of every run, unrounded; path and W&B's id."""
    headings = list(dict.fromkeys([*FACTS, *found.keys, *found.varied, *found.follow, *found.all_metrics]))
    lines = [
        [*(_plain(run.value(name)) for name in headings), str(run.path), run.run_id] for run in found.runs
    ]
    return _csv([[*headings, "path", "run_id"], *lines])


def groups_csv(groups: Grouping) -> str:
    """Of each metric ``<metric>``, ``<metric>_sd`` and ``<metric>_n``, unrounded."""
    headings = [*groups.keys, "n", *(f"{m}{end}" for m in groups.metrics for end in ("", "_sd", "_n"))]
    lines = []
    for group in groups.groups:
        figures = [v for m in groups.metrics for v in group.figures.get(m, ("", None, 0))]
        lines.append([*map(_plain, group.values), group.runs, *("" if v is None else v for v in figures)])
    return _csv([headings, *lines])


def _plain(value: object) -> object:
    return setting(value) if isinstance(value, bool) else "" if value is None else value


def _csv(lines: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
