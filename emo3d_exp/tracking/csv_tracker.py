"""Curves and final numbers as CSV files in the run folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.runs import write_atomically
from emo3d_exp.tracking.samples import SampleFaces
from emo3d_exp.tracking.tracker import Tracker


class CSVTracker(Tracker):
    """``curves/metrics.csv`` by Lightning's CSVLogger, and ``summary.csv`` (columns metric, value).

    A run that is continued writes its curves to ``curves_2``, ``curves_3``, …, since Lightning's logger
    empties a folder that it finds.
    """

    def __init__(self) -> None:
        self._run_dir: Path | None = None
        self._logger: Any = None

    def start(
        self,
        run_dir: Path,
        config: Mapping[str, Any],
        name: str,
        group: str | None,
        tags: Sequence[str],
        job_type: str,
        resume_id: str | None,
    ) -> None:
        self._run_dir = Path(run_dir)
        self._run_dir.mkdir(parents=True, exist_ok=True)

    @property
    def run_id(self) -> str | None:
        """None: later numbers go to the same files, found by the run folder alone."""
        return None

    @property
    def _folder(self) -> Path:
        if self._run_dir is None:
            raise RuntimeError("CSVTracker: call start() first")
        return self._run_dir

    def lightning_loggers(self) -> list[Any]:
        if self._logger is None:
            from pytorch_lightning.loggers import CSVLogger

            self._logger = CSVLogger(save_dir=str(self._folder), name="", version=self._new_curves())
        return [self._logger]

    def _new_curves(self) -> str:
        number, name = 1, "curves"
        while (self._folder / name).exists():
            number += 1
            name = f"curves_{number}"
        return name

    def summary(self, metrics: Mapping[str, float | str]) -> None:
        path = self._folder / "summary.csv"
        values = {**_read_summary(path), **{name: _cell(value) for name, value in metrics.items()}}
        with write_atomically(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("metric", "value"))
            writer.writerows(values.items())

    def rows(self, count: int) -> np.ndarray:
        """None: nothing is drawn."""
        return np.zeros(0, dtype=np.int64)

    def report(
        self, evaluation_folder: Path, samples: SampleFaces | None = None, face: Path | None = None
    ) -> None:
        """Nothing: the evaluation folder already holds the table and the pictures as files."""

    def leaderboard(self, folder: Path) -> None:
        """Nothing: the folder already holds the tables as files."""

    def finish(self, exit_code: int = 0) -> None:
        if self._logger is not None:
            self._logger.finalize("success" if exit_code == 0 else "failed")

    def where(self) -> str:
        curves = sorted(path.name for path in self._folder.glob("curves*/metrics.csv"))
        listed = "curves/metrics.csv and " if curves else ""
        return f"Tracked as files: {listed}summary.csv in {self._folder}"


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else repr(float(value))


def _read_summary(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["metric"]: row["value"] for row in csv.DictReader(file)}
