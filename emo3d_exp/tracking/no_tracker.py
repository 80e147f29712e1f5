"""Tracking switched off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.tracking.samples import SampleFaces
from emo3d_exp.tracking.tracker import Tracker


class NoTracker(Tracker):
    """Keeps nothing: the run folder's own files are all there is."""

    def __init__(self) -> None:
        self._run_dir: Path | None = None

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

    @property
    def run_id(self) -> str | None:
        return None

    def lightning_loggers(self) -> list[Any]:
        return []

    def summary(self, metrics: Mapping[str, float | str]) -> None:
        """Nothing: the evaluator's ``metrics.json`` holds the same numbers."""

    def rows(self, count: int) -> np.ndarray:
        """None: nothing is drawn."""
        return np.zeros(0, dtype=np.int64)

    def report(
        self, evaluation_folder: Path, samples: SampleFaces | None = None, face: Path | None = None
    ) -> None:
        """Nothing: the evaluation folder is the report."""

    def leaderboard(self, folder: Path) -> None:
        """Nothing: the folder is the leaderboard."""

    def finish(self, exit_code: int = 0) -> None:
        """Nothing is open."""

    def where(self) -> str:
        return f"Not tracked (tracking=none); results are in {self._run_dir}"
