"""Stages that only say which samples go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emo3d_exp.dataset_builder.stage import SET_ASIDE, Stage

if TYPE_CHECKING:
    import pyarrow as pa


class ScreeningStage(Stage):
    """A stage whose rows hold nothing but why a sample is set aside, if it is.

    No stage after it, in the order of a build, is given what it set aside, whether that stage reads it or
    not; what was made of such a sample before stays where it is, unused. It is brought up to date before any
    stage after it runs, so that it must cost nothing. Its parameters are no part of what the rows of later
    stages depend on: other ones leave those rows valid.

    A stage that looks at all samples together may decide otherwise when an earlier stage has new rows. One
    that keeps the first of several copies, by sample id, sets a sample aside whose pictures were paid for
    already where ``retry=true`` brings a sample with a lower id a text like its own; what was paid stays in
    the counts of the stages that paid it.
    """

    def schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema([("sample_id", pa.int64()), (SET_ASIDE, pa.string())])


def screens_of(stage: Stage, stages: Sequence[Stage]) -> tuple[str, ...]:
    """Names of the screening stages that stand before a stage; none for one without inputs."""
    before = stages[: stages.index(stage)] if stage.reads else ()
    return tuple(each.name for each in before if isinstance(each, ScreeningStage))


def with_screens(stages: Sequence[Stage], only: Sequence[str] | None) -> list[Stage]:
    """The stages to run: those of ``only`` (None for all), and the screening stages before them."""
    asked = [stage for stage in stages if only is None or stage.name in only]
    names = {stage.name for stage in asked} | {name for stage in asked for name in screens_of(stage, stages)}
    return [stage for stage in stages if stage.name in names]
