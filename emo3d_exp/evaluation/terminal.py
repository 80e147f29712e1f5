"""An evaluation on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emo3d_exp.evaluation.columns import comparison, legend
from emo3d_exp.evaluation.evaluation import Evaluation
from emo3d_exp.evaluation.wording import counted

if TYPE_CHECKING:
    from rich.console import Console


def print_table(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print the system above the references, with what the figures depend on."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    facts = evaluation.provenance
    title = f"{counted(facts['prompts'], 'prompt')}, split {facts['split']}"
    if facts["judge"]:
        title += f", judge {facts['judge']['name']}, rig {facts['rig']['name']}, k={facts['k']}"
    headings, rows = comparison(evaluation)
    layout = {"box": SIMPLE_HEAD, "pad_edge": False, "collapse_padding": True, "caption_justify": "left"}
    table = Table(title=escape(title), caption=escape(legend(evaluation.metrics)), **layout)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=number > 0, overflow="fold")
    for number, row in enumerate(rows):
        table.add_row(*map(escape, row), style=None if number else "bold", end_section=number == 0)
    (console or Console()).print(table)
