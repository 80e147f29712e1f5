"""What every stage of a data set builder is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
"""One sample's values by column; every row has an int ``sample_id``."""

SET_ASIDE = "set_aside"
"""Column of stages that can fail for a sample: None, or in words why the sample goes no further. Later stages
do not see such a sample; ``retry=true`` tries it again."""
LACKING = "lacking"
"""Column of stages whose rows can go on without all that they should hold: None, or in words what failed;
``retry=true`` makes such a row again."""
CALLS, COST = "calls", "cost"
"""Columns of stages that pay for answers: requests sent for a sample, and their price in US dollars."""


@dataclass(frozen=True)
class Estimate:
    """What is to be expected of rows to come: ``calls`` to a paid service, ``cost`` in US dollars."""

    calls: int = 0
    cost: float = 0.0


class Stage(ABC):
    """Turns rows of earlier stages into rows of its own, one for every sample id.

    What a row holds may depend on its inputs, the parameters and the sample id alone, never on the rows that
    happen to be processed with it: then neither the number of processes nor an interruption changes it. (A
    stage with ``shard_rows = None`` gets all rows at once and may look at them together.)

    Attributes:
        name: of the stage and of its folder.
        reads: the columns it needs of each earlier stage. The sample ids are those of the first one.
        shard_rows: rows that are processed, and written, together; None for all.
        processes: how many may share the work.
        build, begun: folder of the build, and a random name of this stage's rows in it, by which its
            spending is counted; ``run_stages`` sets them, and no row may depend on them.
        ask_again: in a retry, a stage that pays asks about a sample anew, rather than making its row again of
            what was answered.
        retry: number of the retry that is under way and asks anew, from 1, 0 for none; ``run_stages`` sets
            it, also where a run goes on with a retry that was stopped. A sample is asked about anew at most
            once in each.
    """

    name: ClassVar[str]
    reads: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    shard_rows: ClassVar[int | None] = 128
    processes: int = 1
    build: Path | None = None
    begun: str = ""
    ask_again: bool = False
    retry: int = 0

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Plain values that decide what the rows hold."""

    @abstractmethod
    def schema(self) -> pa.Schema:
        """Columns of the rows; the first is ``sample_id``, int64."""

    @abstractmethod
    def process(self, rows: list[Row]) -> list[Row]:
        """Rows of this stage for some input rows, same sample ids, same order.

        An input row holds ``sample_id``, the columns of ``reads``, and for every stage read ``<stage>_shard``
        (its file, relative to the build's folder) and ``<stage>_row`` (place in that file).
        """

    def check(self) -> None:
        """Raise what can be known to fail before any stage does work: settings, files that are not there."""
        self.parameters()

    def estimate(self, rows: Sequence[Row]) -> Estimate:
        """What it takes to process these input rows; nothing, unless a stage says otherwise."""
        return Estimate()

    def source(self) -> list[Row]:
        """Input rows of a stage that reads no other."""
        raise NotImplementedError(f"stage {self.name} reads no stage and has no source")


def sample_rng(seed: int, sample_id: int, stage: str) -> np.random.Generator:
    """The generator of one sample in one stage, so that no other sample's draw can shift its own."""
    return np.random.default_rng([seed, sample_id, *stage.encode()])
