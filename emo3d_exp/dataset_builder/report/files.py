"""Writes a report: one HTML page, Markdown with pictures, CSV files, and plain values as JSON."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from emo3d_exp.dataset_builder.report.analysis import Analysis, analyse
from emo3d_exp.dataset_builder.report.figures import draw_figures
from emo3d_exp.dataset_builder.report.sections import Section, sections
from emo3d_exp.records import Corpus
from emo3d_exp.runs import write_atomically, write_json

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1150px; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2.2rem } p { max-width: 46rem; color: #444 }
table { border-collapse: collapse; font-size: .92em } tr { border-bottom: 1px solid #e4e4e4 }
td, th { padding: .22rem .6rem; text-align: right; vertical-align: bottom; white-space: nowrap }
td:first-child, th:first-child, td.text { text-align: left } td.text { white-space: normal }
.wide { overflow-x: auto } img { max-width: 100%; height: auto } small { color: #666 }
"""
LONG = 40
"""Letters from which a cell is set as running text."""


def write_report(corpus: Corpus, folder: Path | str, top: int = 20, wordnet: str | None = None) -> Analysis:
    """Analyse a corpus and write the report into a folder, replacing an earlier one.

    ``report.html`` (self-contained), ``report.md`` with ``figure_8.png`` …, ``table_1.csv`` … (numbers as
    they are shown; exact ones are in ``report.json``), ``report.json``.

    Args:
        top, wordnet: see :func:`~emo3d_exp.dataset_builder.report.analysis.analyse`, which also says what it
            raises.
    """
    folder, analysis = Path(folder), analyse(corpus, top, wordnet)
    told, pictures = sections(analysis), draw_figures(analysis)
    for name, content in pictures.items():
        with write_atomically(folder / f"{name}.png") as partial:
            partial.write_bytes(content)
    for section in told:
        if section.rows:
            _write_text(folder / f"{section.name}.csv", _csv(section))
    _write_text(folder / "report.md", _markdown(analysis, told))
    _write_text(folder / "report.html", _html(analysis, told, pictures))
    write_json(folder / "report.json", analysis.as_json())
    return analysis


def _write_text(path: Path, text: str) -> None:
    with write_atomically(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def _title(analysis: Analysis) -> str:
    return f"Data set report: {analysis.name}"


def _csv(section: Section) -> str:
    buffer = io.StringIO()
    rows = csv.writer(buffer, lineterminator="\n")
    rows.writerow(section.headings)
    rows.writerows(
        [[cell.replace(",", "") if _is_number(cell) else cell for cell in row] for row in section.rows]
    )
    return buffer.getvalue()


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "").isdigit()


def _markdown(analysis: Analysis, told: Sequence[Section]) -> str:
    parts = [f"# {_title(analysis)}", f"Content {analysis.fingerprint}."]
    for section in told:
        parts += [f"## {section.title}", section.told]
        if section.figure:
            parts.append(f"![{section.alt}]({section.figure}.png)")
        if section.rows:
            lines = [section.headings, ["---"] + ["---:"] * (len(section.headings) - 1), *section.rows]
            parts.append("\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in lines))
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _html(analysis: Analysis, told: Sequence[Section], pictures: Mapping[str, bytes]) -> str:
    title = escape(_title(analysis))
    body = "\n".join(_section(section, pictures) for section in told)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        f"<small>content {escape(analysis.fingerprint)}</small>\n{body}\n</body></html>\n"
    )


def _section(section: Section, pictures: Mapping[str, bytes]) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>", f"<p>{escape(section.told)}</p>"]
    if section.figure:
        data = base64.b64encode(pictures[section.figure]).decode()
        parts.append(f'<img src="data:image/png;base64,{data}" alt="{escape(section.alt)}">')
    if section.rows and section.figure:
        parts.append(f"<details><summary>as numbers</summary>{_table(section)}</details>")
    elif section.rows:
        parts.append(_table(section))
    return "\n".join(parts)


def _table(section: Section) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in section.headings)
    rows = "\n".join(f"<tr>{''.join(_td(cell) for cell in row)}</tr>" for row in section.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'


def _td(cell: str) -> str:
    mark = ' class="text"' if len(cell) > LONG else ""
    return f"<td{mark}>{escape(cell)}</td>"
