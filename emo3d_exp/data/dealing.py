"""Batches dealt out to several processes: every row of a batch goes to exactly one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.records import StepShare


@dataclass(frozen=True)
class Dealing:
    """Who trains on what: a batch is one of the whole training, of which each process takes its part.

    Attributes:
        processes: that train together. rank: which of them this is, from 0.
        accumulated: batches that make one optimizer step.

    Raises:
        ConfigError: a number out of its range.
    """

    processes: int = 1
    rank: int = 0
    accumulated: int = 1

    def __post_init__(self) -> None:
        if min(self.processes, self.accumulated) < 1 or not 0 <= self.rank < self.processes:
            raise ConfigError(
                f"process {self.rank} of {self.processes}, trainer.accumulate_grad_batches="
                f"{self.accumulated}: whole numbers from 1 are wanted"
            )

    @property
    def parts(self) -> int:
        """Batches of processes that one step is the mean of, for those who take a mean."""
        return self.processes * self.accumulated

    def rows(self, count: int) -> slice:
        """This process's part of a batch of ``count`` rows; where there are fewer rows than processes, the
        first row, which does not count, so that no process is left without one."""
        start, stop = (count * rank // self.processes for rank in (self.rank, self.rank + 1))
        return slice(start, stop) if start < stop else slice(0, 1)

    def own(self, count: int) -> int:
        """Rows of this process's part that count."""
        return count * (self.rank + 1) // self.processes - count * self.rank // self.processes

    def shares(self, sizes: Sequence[int], pictures: Sequence[np.ndarray] | None = None) -> list[StepShare]:
        """What this process's parts of batches are of their steps.

        Args:
            sizes: rows of each batch, in the order of training.
            pictures: for each batch (rows,) bool, the row has a picture; None where all have.
        """
        seen = list(sizes) if pictures is None else [int(some.sum()) for some in pictures]
        shares = []
        for number, size in enumerate(sizes):
            first = number - number % self.accumulated
            step = slice(first, first + self.accumulated)
            own, rows = self.own(size), self.rows(size)
            own_pictures = own if pictures is None or not own else int(pictures[number][rows].sum())
            shares.append(
                StepShare(rows.start, size, own, own_pictures, sum(sizes[step]), sum(seen[step]), self.parts)
            )
        return shares
