"""Standings as one HTML page: sortable tables, sentences, faces; opens anywhere, nothing fetched."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

from emo3d_exp.evaluation.conditions import in_words
from emo3d_exp.evaluation.markup import page, paragraphs, picture, terms
from emo3d_exp.evaluation.standings import Line, Standing, Standings
from emo3d_exp.evaluation.standings_text import COMPARED, DIFFERENCES, LEGEND, cells, headings
from emo3d_exp.runs import write_atomically

STYLE = """
body { max-width: 1400px; } th { cursor: pointer; user-select: none; }
th::after { content: "\\a0⇅"; color: #bbb; }
img { max-width: 100%; height: auto; } table { font-size: 12.5px; }
td, th { padding: .25rem .3rem; } td { white-space: nowrap; } th { vertical-align: bottom; }
td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
"""
SORTING = """
for (const head of document.querySelectorAll("th")) head.onclick = () => {
  const rows = [...head.closest("table").tBodies[0].rows], at = head.cellIndex;
  const up = head.dataset.up = head.dataset.up === "1" ? "0" : "1";
  const of = row => row.cells[at].dataset.value;
  rows.sort((a, b) => (of(a) === "") - (of(b) === "") || (up === "1" ? 1 : -1) *
    (isNaN(of(a)) || isNaN(of(b)) ? of(a).localeCompare(of(b)) : of(a) - of(b)));
  head.closest("table").tBodies[0].append(...rows);
};
"""


def write_page(found: Standings, path: Path | str, sheet: np.ndarray | None = None, told: str = "") -> Path:
    """Write the page.

    Args:
        sheet: (H, W, 3) uint8 RGB, faces of the systems beside each other. told: what the sheet shows.
    """
    body = [paragraphs([found.warning], "warning")] if found.warning else []
    body += [_part(part, bool(found.warning)) for part in found.parts]
    body.append(paragraphs([LEGEND, DIFFERENCES, "A click on a heading sorts by it."], "legend"))
    if sheet is not None:
        body.append(f"<h2>The same descriptions</h2>\n{paragraphs([told], 'legend')}\n{picture(sheet, told)}")
    with write_atomically(path) as partial:
        partial.write_text(page("Leaderboard", "\n".join(body), STYLE, SORTING), encoding="utf-8")
    return Path(path)


def _part(part: Standing, lettered: bool) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings(part))
    rows = "\n".join(
        ('<tr class="own">' if line.seeds else "<tr>")
        + "".join(
            f'<td data-value="{escape(str(value))}">{escape(text)}</td>'
            for value, text in zip(_values(part, line), texts, strict=True)
        )
        + "</tr>"
        for line, texts in zip(part.lines, cells(part), strict=True)
    )
    title = f"Conditions {part.letter}" if lettered else "Systems"
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in part.remarks())
    return (
        f'<h2>{title}</h2>\n<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody>'
        f"</table></div>\n<ul>{remarks}</ul>\n{'<details open>' if lettered else '<details>'}"
        f"<summary>conditions</summary>{terms(in_words(part.facts))}</details>"
    )


def _values(part: Standing, line: Line) -> list[object]:
    """What each cell of a line is sorted by; empty cells come last."""
    values: list[object] = [line.name, line.seeds or ""]
    for key in part.shown():
        values.append(line.figures[key][0] if key in line.figures else "")
        if key in COMPARED:
            values.append(line.intervals[key][0] if key in line.intervals else "")
            values.append(line.differences[key].mean if key in line.differences else "")
    return values
