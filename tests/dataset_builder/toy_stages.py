"""Two tiny stages, importable by spawned processes, and a script that runs them until it is killed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pyarrow as pa

from emo3d_exp.dataset_builder import Stage, run_stages
from emo3d_exp.dataset_builder.stage import Estimate, sample_rng
from emo3d_exp.errors import DataError


class Numbers(Stage):
    name = "numbers"
    shard_rows = 4

    def __init__(self, count: int = 22, factor: int = 3) -> None:
        self.count, self.factor = count, factor

    def parameters(self):
        return {"factor": self.factor}

    def schema(self):
        return pa.schema([("sample_id", pa.int64()), ("value", pa.int64())])

    def source(self):
        return [{"sample_id": i} for i in range(self.count)]

    def process(self, rows):
        return [{"sample_id": row["sample_id"], "value": self.factor * row["sample_id"]} for row in rows]


class Draws(Stage):
    name = "draws"
    reads = {"numbers": ("value",)}  # noqa: RUF012
    shard_rows = 3

    def __init__(self, processes: int = 1, seconds: float = 0.0, log: str | None = None) -> None:
        self.processes, self.seconds, self.log = processes, seconds, log

    def parameters(self):
        return {}

    def schema(self):
        return pa.schema([("sample_id", pa.int64()), ("draw", pa.float64()), ("process", pa.int64())])

    def process(self, rows):
        time.sleep(self.seconds)
        if self.log:
            with open(self.log, "a") as file:
                file.writelines(f"{row['sample_id']}\n" for row in rows)
        return [
            {
                "sample_id": row["sample_id"],
                "draw": row["value"] + sample_rng(0, row["sample_id"], "draws").random(),
                "process": os.getpid() if self.processes > 1 else 0,
            }
            for row in rows
        ]


class Picky(Stage):
    """Sets every third sample aside, unless it is lenient; pays two calls of ten cents for each."""

    name = "picky"
    reads = {"numbers": ("value",)}  # noqa: RUF012
    shard_rows = 4

    def __init__(self, lenient: bool = False) -> None:
        self.lenient = lenient

    def parameters(self):
        return {}

    def schema(self):
        kinds = {"kept": pa.int64(), "calls": pa.int64(), "cost": pa.float64(), "set_aside": pa.string()}
        return pa.schema([("sample_id", pa.int64()), *kinds.items()])

    def estimate(self, rows):
        return Estimate(2 * len(rows), 0.2 * len(rows))

    def process(self, rows):
        return [self._row(row) for row in rows]

    def _row(self, row):
        paid = {"sample_id": row["sample_id"], "calls": 2, "cost": 0.2}
        if row["sample_id"] % 3 == 0 and not self.lenient:
            return paid | {"kept": None, "set_aside": "divisible by 3"}
        return paid | {"kept": row["value"], "set_aside": None}


class Total(Stage):
    """Looks at all rows together."""

    name = "total"
    reads = {"picky": ("kept",), "numbers": ("value",)}  # noqa: RUF012
    shard_rows = None

    def parameters(self):
        return {}

    def schema(self):
        return pa.schema([("sample_id", pa.int64()), ("sum", pa.int64())])

    def process(self, rows):
        total = sum(row["kept"] for row in rows)
        return [{"sample_id": row["sample_id"], "sum": total} for row in rows]


class Closing(Stage):
    """Ten times a value; opens something with its first block, and notes that it closes it."""

    name = "closing"
    reads = {"numbers": ("value",)}  # noqa: RUF012

    def __init__(self, log: str, processes: int, wrong: int | None = None, dies: int | None = None) -> None:
        self.log, self.processes, self.wrong, self.dies = log, processes, wrong, dies
        self.opened = False

    def parameters(self):
        return {}

    def schema(self):
        return pa.schema([("sample_id", pa.int64()), ("value", pa.int64())])

    def process(self, rows):
        if not self.opened:
            self._note("open")
            self.opened = True
        time.sleep(0.05)
        if self.wrong in [row["value"] for row in rows]:
            raise DataError(f"value {self.wrong} is wrong")
        if self.dies in [row["value"] for row in rows]:
            os._exit(3)
        return [{**row, "value": 10 * row["value"]} for row in rows]

    def close(self):
        if self.opened:
            self._note("close")

    def _note(self, what):
        with open(self.log, "a") as file:
            file.write(f"{what}:{os.getpid()}\n")


if __name__ == "__main__":
    run_stages(Path(sys.argv[1]), [Numbers(), Draws(2, 0.3, sys.argv[2])], progress=False)
