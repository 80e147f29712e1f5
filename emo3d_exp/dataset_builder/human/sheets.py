"""Annotation sheets: a CSV file and a form that works from a file; the key stays with the experimenter."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from emo3d_exp.dataset_builder.human.sampling import Item
from emo3d_exp.runs import write_atomically
from emo3d_exp.vocab import EMOTIONS

LABEL_COLUMNS = ("sample_id", "text_number", "label")
LABEL_QUESTION = "Which emotion does this text express most strongly?"


def write_label_sheets(items: Sequence[Item], folder: Path | str) -> dict[str, Path]:
    """Write ``labels.csv`` (fill in the column ``label``), ``labels.html`` (the same as a form) and
    ``key.csv`` (the system's emotions; not for annotators).

    Returns:
        the three files by ``sheet``, ``form`` and ``key``.
    """
    folder = Path(folder)
    names = {"sheet": folder / "labels.csv", "form": folder / "labels.html", "key": folder / "key.csv"}
    asked = [(item.sample_id, item.text_number, item.text, "") for item in items]
    write_csv(names["sheet"], ("sample_id", "text_number", "text", "label"), asked)
    known = EMOTIONS if all(item.vector for item in items) else ()
    key = [
        (item.sample_id, item.text_number, item.system, item.text, *item.vector[: len(known)])
        for item in items
    ]
    write_csv(names["key"], ("sample_id", "text_number", "system", "text", *known), key)
    questions = [
        {"keys": [item.sample_id, item.text_number], "text": item.text, "pictures": []} for item in items
    ]
    form = {
        "question": LABEL_QUESTION,
        "columns": list(LABEL_COLUMNS),
        "choices": [[name, name] for name in EMOTIONS],
        "items": questions,
        "file": "labels",
    }
    write_form(names["form"], "Emotions of texts", form)
    return names


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table atomically; cells that a spreadsheet would take for a formula stay as they are."""
    with write_atomically(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_form(path: Path, title: str, form: Mapping[str, Any]) -> None:
    """Write a page that asks one choice for every item, keeps the answers in the browser and saves them as
    CSV.

    Args:
        form: ``question``; ``columns`` of the CSV (those of ``keys``, then the answer's); ``choices``:
            (value, label) pairs; ``items``: ``keys``, ``text`` and ``pictures`` (data addresses) of each;
            ``file``: stem of the file that is saved.
    """
    content = json.dumps(form, ensure_ascii=False)
    # The stored answers of one sheet must not turn up in another's form.
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    template = files("emo3d_exp.dataset_builder.human").joinpath("form.html").read_text(encoding="utf-8")
    page = template.replace("@TITLE@", escape(title)).replace("@DIGEST@", digest)
    # "<" inside strings of JSON: no text can end the script element.
    page = page.replace("@FORM@", content.replace("<", "\\u003c"))
    with write_atomically(path) as partial:
        partial.write_text(page, encoding="utf-8")
