"""Columns that all stages of one name share, whoever makes their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emo3d_exp.dataset_builder.stage import CALLS, COST, SET_ASIDE
from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    import pyarrow as pa


def texts_schema() -> pa.Schema:
    """Columns of every stage ``texts``: ``asked`` are the intensities that a sample was written for."""
    import pyarrow as pa

    words = {name: pa.string() for name in ("age", "gender", "style")}
    asked = pa.list_(pa.float32(), len(EMOTIONS))
    columns = {"texts": pa.list_(pa.string()), "prompt_type": pa.string(), "asked": asked, **words}
    return pa.schema([("sample_id", pa.int64()), *columns.items(), *paid_columns()])


def emotions_schema() -> pa.Schema:
    """Columns of every stage ``emotions``: eight intensities in [0, 1], and who gave them."""
    import pyarrow as pa

    emotions = pa.list_(pa.float32(), len(EMOTIONS))
    columns = [("sample_id", pa.int64()), ("emotions", emotions), ("rater", pa.string())]
    return pa.schema([*columns, *paid_columns()])


def paid_columns() -> list[tuple[str, pa.DataType]]:
    """What a sample took: ``calls``, ``cost`` in US dollars, and why it was set aside, if it was."""
    import pyarrow as pa

    return [(CALLS, pa.int64()), (COST, pa.float64()), (SET_ASIDE, pa.string())]
