"""What the scripts ask of an experiment tracker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.tracking.samples import SampleFaces


class Tracker(ABC):
    """A place where one run's config, curves and results are shown.

    Order of calls: ``start``, ``lightning_loggers``, any number of ``summary``, ``report`` and
    ``leaderboard``, ``finish``, ``where``; a second ``finish`` does nothing. A tracker serves one run; start
    it in one process only (rank 0).
    """

    @abstractmethod
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
        """Open the run's page.

        Args:
            run_dir: run folder; what the tracker writes lies in it.
            config: plain values (dict, list, str, int, float, bool, None).
            name: shown for the run. group: shown together with other runs, or None.
            tags: labels of the run. job_type: ``"train"``, ``"evaluate"``, …
            resume_id: ``run_id`` of the page to continue, or None for a new one.

        Raises:
            ConfigError: a setting that no server and no offline run would take.
        """

    @property
    @abstractmethod
    def run_id(self) -> str | None:
        """What continues this page as ``resume_id`` later; None where there is nothing to continue."""

    @abstractmethod
    def lightning_loggers(self) -> list[Any]:
        """Loggers for Lightning's Trainer, which write the curves; empty for none."""

    @abstractmethod
    def summary(self, metrics: Mapping[str, float | str]) -> None:
        """Set final values: one number, or a word, a name. A name that was set before is overwritten."""

    @abstractmethod
    def rows(self, count: int) -> np.ndarray:
        """Which of ``count`` prompts a report has room for, so that no other face need be drawn for it.

        Returns:
            Ascending int64 rows; none where the tracker shows no pictures.
        """

    @abstractmethod
    def report(
        self, evaluation_folder: Path, samples: SampleFaces | None = None, face: Path | None = None
    ) -> None:
        """Show an evaluation.

        Args:
            evaluation_folder: of the evaluator; its name (the split) becomes the prefix of what is shown.
                Its figures, tables, page and picture are shown as far as they are there.
            samples: prompts with both faces, for the per-sample table: those of ``rows``.
            face: one predicted face in 3D, a ``.glb`` file.
        """

    @abstractmethod
    def leaderboard(self, folder: Path) -> None:
        """Show several results side by side, on a page of their own.

        Args:
            folder: that ``python evaluate.py run_dir='outputs/*' out=…`` has written.
        """

    @abstractmethod
    def finish(self, exit_code: int = 0) -> None:
        """Close the page. ``exit_code`` 0 marks the run as finished, another as failed."""

    @abstractmethod
    def where(self) -> str:
        """One line that says where the run is and, if it is only local, how to upload it."""
