"""What :func:`agreement` found, as rows of a table: for the terminal and for ``agreement.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo3d_exp.dataset_builder.human.sheets import write_csv

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("figure", "of", "value", "low", "high", "chance", "p_value", "items")
NAMES = {
    "kappa": "Cohen's kappa",
    "system": "share with the system's dominant emotion",
    "probability": "system's probability of the label",
    "rank": "rank of the label in the system's vector (1 is first)",
    "cosine": "cosine of labels' distribution and vector",
    "kl": "KL(labels ‖ vector) in nats, lower is better",
}
Line = tuple[str, str, Mapping[str, Any]]


def _lines(found: Mapping[str, Any]) -> Iterator[Line]:
    """Figure, whose it is, and its values."""
    for each in found["kappa"]:
        yield "kappa", " and ".join(each["pair"]), each
    yield "kappa", "mean of pairs", found["mean_kappa"]
    for name, each in found["system"].items():
        yield "system", name, each
    for name, figures in (found["vector"] or {}).items():
        for figure, each in figures.items():
            yield figure, name, each


def write_agreement_csv(found: Mapping[str, Any], path: Path) -> None:
    """Every figure a row; cells are empty where a value is not defined."""
    rows = [
        (figure, whose, *("" if each.get(name) is None else each[name] for name in COLUMNS[2:]))
        for figure, whose, each in _lines(found)
    ]
    write_csv(path, COLUMNS, rows)


def agreement_table(found: Mapping[str, Any]) -> Table:
    """The same for the terminal."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"Agreement on {found['items']} texts, with 95 % intervals", title_justify="left")
    for name in ("", "of", "value", "interval", "chance", "p"):
        table.add_column(name, justify="left" if name in ("", "of") else "right")
    before = None
    for figure, whose, each in sorted(_lines(found), key=lambda line: list(NAMES).index(line[0])):
        if before not in (None, figure):
            table.add_section()
        interval = f"{_told(each['low'])} … {_told(each['high'])}"
        heading = NAMES[figure] if figure != before else ""
        chance = (_told(each.get("chance")), _told(each.get("p_value")))
        table.add_row(heading, escape(whose), _told(each["value"]), interval, *chance)
        before = figure
    return table


def _told(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
