"""The rows that a stage is given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from emo3d_exp.dataset_builder.stage import SET_ASIDE, Row, Stage
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.errors import ConfigError, DataError


def check_names(stages: Sequence[Stage], only: Sequence[str] | None) -> None:
    """Raise ConfigError where ``only`` names a stage that there is not."""
    names = [stage.name for stage in stages]
    unknown = sorted(set(only or ()) - set(names))
    if unknown:
        raise ConfigError(f"stage={','.join(unknown)}: choose from {', '.join(names)}")


def joined_rows(build: Path, stage: Stage, partial: bool = False, screens: Sequence[str] = ()) -> list[Row]:
    """Input rows in the order of sample ids: the columns that the stage reads, side by side, without the
    samples that a stage it reads, or one of the screening stages, has set aside.

    Args:
        partial: leave out samples that a stage has no row of yet, which otherwise is an error.
        screens: names of screening stages that stand before the stage.
    """
    joined: dict[int, Row] = {}
    gone = set_aside_by(build, screens)
    unread = {name: () for name in screens if name not in stage.reads}
    for number, (name, columns) in enumerate([*stage.reads.items(), *unread.items()]):
        store, found = RowStore(build, name), set()
        for row in store.rows(_with_note(store, columns)):
            sample = row["sample_id"]
            found.add(sample)
            if row.get(SET_ASIDE) is not None:
                gone.add(sample)
            if number == 0:
                joined[sample] = {"sample_id": sample}
            if sample in joined and name in stage.reads:
                joined[sample] |= {column: row[column] for column in map(_outermost, columns)}
                joined[sample] |= {f"{name}_shard": row["shard"], f"{name}_row": row["row"]}
        absent = joined.keys() - found - gone
        if absent and not partial:
            raise DataError(f"stage {stage.name}: {len(absent)} samples have no row in stage {name}")
        gone |= absent
    return [joined[sample] for sample in sorted(joined.keys() - gone)]


def set_aside_by(build: Path, screens: Sequence[str]) -> set[int]:
    """Samples that screening stages have set aside, as far as they have got."""
    stores = [RowStore(build, name) for name in screens]
    rows = (row for store in stores if store.shards() for row in store.rows((SET_ASIDE,)))
    return {row["sample_id"] for row in rows if row[SET_ASIDE] is not None}


def _outermost(column: str) -> str:
    """The column that holds ``images.list.element.key``, of which a stage may ask for parts alone."""
    return column.partition(".")[0]


def _with_note(store: RowStore, columns: Sequence[str]) -> tuple[str, ...]:
    if SET_ASIDE in columns or SET_ASIDE not in store.columns():
        return tuple(columns)
    return (*columns, SET_ASIDE)


def blocks_left(rows: list[Row], done: set[int], size: int) -> list[tuple[int, list[Row]]]:
    """What is left to do, in blocks whose bounds do not depend on what is done."""
    left = [(place // size, row) for place, row in enumerate(rows) if row["sample_id"] not in done]
    return [(n, [row for _, row in group]) for n, group in groupby(left, key=lambda item: item[0])]
