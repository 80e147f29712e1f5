"""Several evaluations in one table."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.columns import COLUMNS, LABELS, cell, legend
from emo3d_exp.evaluation.conditions import CONDITIONS, differing, plain_conditions, warning
from emo3d_exp.evaluation.evaluation import SCHEMA
from emo3d_exp.evaluation.pairing import compared_figures, difference, in_brackets, read_values, replicates_of
from emo3d_exp.runs import RunFolder, distinct_names, write_atomically

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE = 132
OWN = ("seed", "run_dir", "name", "group", "tags", "tracking", "resume", "evaluate", "threads")
"""Keys of a config in which runs of one system may differ."""
ESSENTIAL = ("mse", "emo3d", "emotion_accuracy")
"""Columns of a terminal narrower than ``WIDE``."""


@dataclass(frozen=True)
class Entry:
    """One result: its run's name, system, conditions (a letter), figures and where it was read.

    ``training`` holds what ``model.json`` tells of the training, ``settings`` the run's config but its seed,
    ``seed`` that seed (None where there is no config).
    """

    run: str
    system: str
    conditions: str
    metrics: dict[str, float]
    references: dict[str, dict[str, float]]
    provenance: dict[str, Any]
    path: Path
    training: dict[str, float]
    settings: str
    seed: int | None

    @property
    def score(self) -> float:
        """What entries are ranked by: Emo3D, or the MSE where faces were not judged."""
        return self.metrics.get("emo3d", self.metrics["mse"])


@dataclass(frozen=True)
class Leaderboard:
    """Results, best first within the same conditions.

    Attributes:
        entries: ordered. differing: the parts of the provenance that are not the same for all; where it
            is not empty, only entries with the same letter compare.
    """

    entries: tuple[Entry, ...]
    differing: tuple[str, ...]

    def print(self, console: Console | None = None) -> None:
        """Print :meth:`table`, with fewer columns on a narrow terminal."""
        from rich.console import Console

        console = console or Console()
        if not console.is_terminal:
            console.width = max(console.width, WIDE)
        console.print(self.table(wide=console.width >= WIDE))

    def table(self, wide: bool = True) -> Table:
        """A line a run, best first, and the references once for each set of conditions."""
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        keys = [key for key in COLUMNS if any(key in entry.metrics for entry in self.entries)]
        keys = keys if wide else [key for key in keys if key in ESSENTIAL]
        title = warning(self.differing) or None
        layout = {"box": SIMPLE_HEAD, "pad_edge": False, "collapse_padding": True, "caption_justify": "left"}
        told = escape(legend(keys))
        table = Table("", title=title, title_style="bold red", caption=told, **layout)
        table.add_column("run", overflow="fold")
        for heading in (*(COLUMNS[key][0] for key in keys), "behind the best"):
            table.add_column(heading, justify="right", no_wrap=True)
        for entry in self.entries:
            figures = [cell(entry.metrics, key) for key in keys]
            name = entry.run if entry.system in entry.run else f"{entry.run} ({entry.system})"
            row = (entry.conditions, name, *figures, self.behind(entry))
            table.add_row(*map(escape, row), style="bold")
            if self._last_of_its_conditions(entry):
                for name, reference in entry.references.items():
                    cells = [cell(reference, key) for key in keys]
                    table.add_row(entry.conditions, LABELS[name], *cells, "")
                table.add_section()
        return table

    def behind(self, entry: Entry) -> str:
        """Mean paired difference to the best of the same conditions, with its 95 % interval; empty for
        the best itself and where a per-sample table is missing."""
        best = next(other for other in self.entries if other.conditions == entry.conditions)
        if best is entry:
            return ""
        figure = compared_figures(entry.metrics, entry.provenance)[0]
        ours, theirs = (read_values(other.path, [figure]) for other in (entry, best))
        if ours is None or theirs is None:
            return ""
        replicates = replicates_of(entry.provenance, best.provenance)
        return in_brackets(difference(ours, theirs, figure, replicates))

    def write_csv(self, path: Path | str) -> Path:
        """One line a run and a reference, every figure unrounded, with the conditions; where these are not
        the same for all, ``differing`` names those that are not."""
        import pandas as pd

        rows = []
        for entry in self.entries:
            facts = plain_conditions(entry.provenance) | {"differing": " ".join(self.differing)}
            named = {entry.system: entry.metrics}
            if self._last_of_its_conditions(entry):
                named |= {f"reference {name}": figures for name, figures in entry.references.items()}
            for system, figures in named.items():
                run = entry.run if figures is entry.metrics else ""
                rows.append(
                    {"conditions": entry.conditions, "run": run, "system": system, **figures, **facts}
                )
        with write_atomically(path) as partial:
            pd.DataFrame(rows).to_csv(partial, index=False)
        return Path(path)

    def _last_of_its_conditions(self, entry: Entry) -> bool:
        return [other for other in self.entries if other.conditions == entry.conditions][-1] is entry


def read_leaderboard(paths: Iterable[Path | str]) -> Leaderboard:
    """Compare the results in several ``metrics.json``.

    Raises:
        DataError: there is none, or one is not a result of this schema.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise DataError(
            "leaderboard: there are no results; a finished run has evaluation/<split>/metrics.json"
        )
    contents = [read_result(path) for path in files]
    conditions = [
        json.dumps([content["provenance"].get(name) for name in CONDITIONS]) for content in contents
    ]
    runs = distinct_names([run_folder(path) for path in files])
    letters = {text: _letter(number) for number, text in enumerate(dict.fromkeys(conditions))}
    entries = [
        Entry(
            run=run,
            system=str(content["provenance"].get("system", "")),
            conditions=letters[condition],
            metrics=content["metrics"],
            references=content["references"],
            provenance=content["provenance"],
            path=path,
            training=_training(run_folder(path)),
            settings=_settings(run_folder(path)),
            seed=_config(run_folder(path)).get("seed"),
        )
        for run, path, content, condition in zip(runs, files, contents, conditions, strict=True)
    ]
    entries.sort(key=lambda entry: (len(entry.conditions), entry.conditions, entry.score))
    return Leaderboard(tuple(entries), differing([entry.provenance for entry in entries]))


def read_result(path: Path) -> dict[str, Any]:
    """The content of a ``metrics.json``.

    Raises:
        DataError: it cannot be read, or is no result of this schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable metrics.json ({error})") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise DataError(f"{path}: no result of schema {SCHEMA}; evaluate the run again with this version")
    return content


def run_folder(path: Path) -> Path:
    """The run whose ``metrics.json`` this is; its own folder where it belongs to none."""
    folder = path.resolve().parent
    return folder.parent.parent if folder.parent.name == "evaluation" else folder


def _training(folder: Path) -> dict[str, float]:
    """``parameters`` and ``train_seconds``, as far as they are known."""
    file = RunFolder(folder).model_file
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {key: float(known[key]) for key in ("parameters", "train_seconds") if key in known}


def _settings(folder: Path) -> str:
    """The config without what differs between runs of one system; the folder itself where there is none."""
    config = _config(folder)
    if not config:
        return str(folder)
    return json.dumps({key: config[key] for key in sorted(config) if key not in OWN}, sort_keys=True)


def _config(folder: Path) -> dict[str, Any]:
    file = RunFolder(folder).config_file
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _letter(number: int) -> str:
    letters = string.ascii_uppercase
    return (
        letters[number]
        if number < len(letters)
        else _letter(number // len(letters) - 1) + _letter(number % len(letters))
    )
