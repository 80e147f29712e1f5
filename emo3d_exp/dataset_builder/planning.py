"""What a build would do, counted beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emo3d_exp.dataset_builder.inputs import check_names, joined_rows, set_aside_by
from emo3d_exp.dataset_builder.screening import screens_of, with_screens
from emo3d_exp.dataset_builder.stage import Estimate, Row, Stage
from emo3d_exp.dataset_builder.store import RowStore


@dataclass(frozen=True)
class Planned:
    """One stage.

    Attributes:
        stage: its name. rows: in all. done: of them. estimate: of the rest. inputs: of all rows.
    """

    stage: str
    rows: int
    done: int
    estimate: Estimate
    inputs: list[Row]


def plan_stages(
    build: Path, stages: Sequence[Stage], only: Sequence[str] | None = None, limit: int | None = None
) -> list[Planned]:
    """What ``run_stages`` would do, without doing or writing anything.

    A stage that reads one with rows to come is counted by the samples of the latter: at most so many come.
    What screening stages have set aside so far is left out.
    """
    check_names(stages, only)
    planned: dict[str, Planned] = {}
    for stage in with_screens(stages, only):
        gone = set_aside_by(build, screens_of(stage, stages))
        rows = [row for row in _known_inputs(build, stage, planned) if row["sample_id"] not in gone][:limit]
        done = RowStore(build, stage.name).sample_ids()
        left = [row for row in rows if row["sample_id"] not in done]
        ready = len(rows) - len(left)
        planned[stage.name] = Planned(stage.name, len(rows), ready, stage.estimate(left), rows)
    return list(planned.values())


def _known_inputs(build: Path, stage: Stage, planned: dict[str, Planned]) -> list[Row]:
    """The rows that a stage will be given, without the columns that are not made yet."""
    if not stage.reads:
        return stage.source()
    coming = [planned[name] for name in stage.reads if name in planned]
    unfinished = [each for each in coming if each.done < each.rows]
    if not unfinished:
        return joined_rows(build, stage, partial=True)
    fewest = min(unfinished, key=lambda each: each.rows)
    return [{"sample_id": row["sample_id"]} for row in fewest.inputs]
