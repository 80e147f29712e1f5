"""Looks a data set over before anybody trains on it: ``python build_data.py stage=validate``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from emo3d_exp.dataset_builder.findings import SEVERITIES, Finding, Validation
from emo3d_exp.dataset_builder.validation_emotions import emotion_findings, split_findings
from emo3d_exp.dataset_builder.validation_faces import face_findings, picture_findings
from emo3d_exp.dataset_builder.validation_texts import text_findings
from emo3d_exp.records import Corpus
from emo3d_exp.runs import write_atomically, write_json

if TYPE_CHECKING:
    from rich.table import Table


def validate(
    corpus: Corpus,
    near_copies: float | None = 0.6,
    max_words: int = 200,
    reasons: Mapping[str, int] | None = None,
) -> Validation:
    """Everything that stands out in a data set, errors first.

    Args:
        near_copies: Jaccard similarity of words from which texts are near copies; None leaves the search out.
        max_words: of a text that is not very long.
        reasons: why faces were not found, with counts (``face_reasons`` of our table).
    """
    findings = [
        *split_findings(corpus),
        *text_findings(corpus, near_copies, max_words),
        *emotion_findings(corpus),
        *face_findings(corpus, reasons),
        *picture_findings(corpus),
    ]
    counts = {
        "samples": len(corpus),
        "texts": len(corpus.text),
        "faces": len(corpus.image),
        "faces with scores": int(corpus.has_blendshapes.sum()),
        "pictures": sum(ref is not None for ref in corpus.image),
        **{part: int((corpus.published_split == part).sum()) for part in ("train", "val", "test")},
    }
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Validation(corpus.name, counts, tuple(findings))


def write_validation(validation: Validation, folder: Path | str) -> list[Path]:
    """``validation.md`` and ``validation.json`` in a folder."""
    markdown, plain = Path(folder) / "validation.md", Path(folder) / "validation.json"
    with write_atomically(markdown) as partial:
        partial.write_text(as_markdown(validation), encoding="utf-8")
    write_json(plain, validation.as_json())
    return [markdown, plain]


def as_markdown(validation: Validation) -> str:
    """A page: the counts, a table of the findings, and their examples."""
    lines = [f"# Validation of data={validation.name}", "", _totals(validation), "", "| | |", "|---|---:|"]
    lines += [f"| {name} | {count:,} |" for name, count in validation.counts.items()]
    lines += ["", "| severity | check | count | what |", "|---|---|---:|---|"]
    lines += [
        f"| {each.severity} | {each.check} | {each.count:,} | {_cell(each.what)} |"
        for each in validation.findings
    ]
    for each in validation.findings:
        lines += ["", f"## {each.severity.capitalize()}: {each.what}", ""]
        lines += [f"- {_cell(example)}" for example in each.examples]
        if each.count > len(each.examples):
            lines.append(f"- … and {each.count - len(each.examples):,} more")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text of users in a page: on one line, and nothing of it is read as markup."""
    line = " ".join(text.split())
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#" else character for character in line)


def _totals(validation: Validation) -> str:
    counts = {severity: len(validation.of(severity)) for severity in SEVERITIES}
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())


def as_table(validation: Validation) -> Table:
    """For the terminal (rich)."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"data={validation.name}: {_totals(validation)}", title_justify="left")
    table.add_column("severity")
    table.add_column("check")
    table.add_column("count", justify="right")
    table.add_column("what")
    table.add_column("first of them", overflow="fold")
    colours = {"error": "bold red", "warning": "yellow", "note": "dim"}
    for each in validation.findings:
        table.add_row(
            Text(each.severity, style=colours[each.severity]), each.check, f"{each.count:,}",
            Text(each.what), Text(_first(each)),
        )  # fmt: skip
    return table


def _first(finding: Finding) -> str:
    return "\n".join(finding.examples[: 8 if finding.check == "balance" else 2])
