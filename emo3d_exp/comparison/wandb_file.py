"""A run as W&B keeps it on disk: ``run-<id>.wandb``, a log of protobuf records.

W&B itself takes seconds to import and has no public reader, so the log is read here: 7 bytes of header, then
blocks of 32 KiB of records in pieces, as in LevelDB's log format. The messages are described with the fields
that are needed and W&B's numbers, which protobuf keeps for good; all other fields are skipped.
"""

from __future__ import annotations

import functools
import json
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emo3d_exp.errors import DataError

Curve = list[tuple[float, float]]

MAGIC = b":W&B"
HEADER, BLOCK = 7, 32768
PIECE = struct.Struct("<IHB")
WHOLE, LAST = 1, 4
REPEATED, SINGLE = 3, 1
STRING, MESSAGE, INT32, INT64 = 9, 11, 5, 3
MESSAGES: dict[str, dict[str, tuple[int, int, int, str]]] = {
    "Item": {
        "key": (1, SINGLE, STRING, ""),
        "nested_key": (2, REPEATED, STRING, ""),
        "value_json": (16, SINGLE, STRING, ""),
    },
    "History": {"item": (1, REPEATED, MESSAGE, "Item")},
    "Changes": {"update": (1, REPEATED, MESSAGE, "Item"), "remove": (2, REPEATED, MESSAGE, "Item")},
    "Time": {"seconds": (1, SINGLE, INT64, "")},
    "Git": {"commit": (2, SINGLE, STRING, "")},
    "Run": {
        "run_id": (1, SINGLE, STRING, ""),
        "config": (4, SINGLE, MESSAGE, "Changes"),
        "summary": (5, SINGLE, MESSAGE, "Changes"),
        "run_group": (6, SINGLE, STRING, ""),
        "job_type": (7, SINGLE, STRING, ""),
        "display_name": (8, SINGLE, STRING, ""),
        "start_time": (17, SINGLE, MESSAGE, "Time"),
        "git": (21, SINGLE, MESSAGE, "Git"),
    },
    "Exit": {"exit_code": (1, SINGLE, INT32, ""), "runtime": (2, SINGLE, INT32, "")},
    "Record": {
        "history": (2, SINGLE, MESSAGE, "History"),
        "summary": (3, SINGLE, MESSAGE, "Changes"),
        "config": (5, SINGLE, MESSAGE, "Changes"),
        "run": (17, SINGLE, MESSAGE, "Run"),
        "exit": (18, SINGLE, MESSAGE, "Exit"),
    },
}
"""Message: field → W&B's number, label, type and message."""


@dataclass
class WandbRun:
    """What a ``.wandb`` file holds, as plain values.

    Attributes:
        config: nested. summary: final values that are numbers or texts. history: name → (epoch, value), the
            last value of each epoch, by epoch. started: UTC, ISO 8601. seconds: that the run was open.
        exit_code: None where the file has no end, as after a kill. whole: no piece of the file is damaged.
    """

    run_id: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    commit: str = ""
    started: str = ""
    seconds: float | None = None
    exit_code: int | None = None
    whole: bool = True
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, float | str] = field(default_factory=dict)
    history: dict[str, Curve] = field(default_factory=dict)


def read_wandb_file(path: Path | str) -> WandbRun:
    """Read a ``.wandb`` file up to its end, or to the first damaged piece.

    Raises:
        DataError: it cannot be read, is not of this kind, or holds no run.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if not data.startswith(MAGIC):
        raise DataError(f"{path}: no W&B file (it does not begin with {MAGIC.decode()})")
    found, summary = WandbRun(), dict[str, str]()
    epochs: dict[str, dict[float, float]] = {}
    try:
        for piece in _records(data):
            _take(_record_class().FromString(piece), found, summary, epochs)
    except (ValueError, IndexError, *_decoding_errors()):
        found.whole = False
    if not found.run_id:
        raise DataError(f"{path}: damaged or empty, no run is in it")
    values = {name: _plain(text) for name, text in summary.items()}
    found.summary = {name: v for name, v in values.items() if isinstance(v, int | float | str)}
    found.history = {name: sorted(points.items()) for name, points in sorted(epochs.items())}
    return found


def _records(data: bytes) -> Iterator[bytes]:
    """The records of a log; ValueError at a piece that is cut short or has another checksum."""
    at, parts = HEADER, []
    while at < len(data):
        left = BLOCK - at % BLOCK
        if left < PIECE.size:
            at += left
            continue
        if at + PIECE.size > len(data):
            raise ValueError("cut short")
        checksum, length, kind = PIECE.unpack_from(data, at)
        piece = data[at + PIECE.size : at + PIECE.size + length]
        if len(piece) < length or zlib.crc32(piece, zlib.crc32(bytes([kind]))) != checksum:
            raise ValueError("damaged")
        at += PIECE.size + length
        parts.append(piece)
        if kind in (WHOLE, LAST):
            yield b"".join(parts)
            parts = []


def _take(
    record: Any, found: WandbRun, summary: dict[str, str], epochs: dict[str, dict[float, float]]
) -> None:
    if record.HasField("history"):
        _take_history(record.history, epochs)
    elif record.HasField("summary"):
        _take_summary(record.summary, summary)
    elif record.HasField("config"):
        _take_config(record.config, found)
    elif record.HasField("exit"):
        found.exit_code, found.seconds = record.exit.exit_code, float(record.exit.runtime)
    elif record.HasField("run"):
        run = record.run
        found.run_id, found.name, found.group = run.run_id, run.display_name, run.run_group
        found.job_type, found.commit = run.job_type, run.git.commit
        if run.start_time.seconds:
            found.started = datetime.fromtimestamp(run.start_time.seconds, UTC).isoformat()
        _take_config(run.config, found)
        _take_summary(run.summary, summary)


def _take_history(history: Any, epochs: dict[str, dict[float, float]]) -> None:
    values = {}
    for item in history.item:
        name = item.key or item.nested_key[0]
        if name == "epoch" or name.startswith(("val/", "train/")):
            values[name] = _plain(item.value_json)
    epoch = values.pop("epoch", None)
    if epoch is None or isinstance(epoch, str):
        return
    for name, value in values.items():
        if isinstance(value, int | float):
            epochs.setdefault(name, {})[float(epoch)] = float(value)


def _take_summary(changes: Any, summary: dict[str, str]) -> None:
    """A summary comes again after every epoch, so its values are kept as they are until the end."""
    for item in changes.update:
        name = item.key or (item.nested_key[0] if len(item.nested_key) == 1 else "_")
        if not name.startswith("_"):
            summary[name] = item.value_json


def _take_config(changes: Any, found: WandbRun) -> None:
    for item in changes.update:
        *parents, name = [item.key] if item.key else item.nested_key
        if (parents or [name])[0] == "_wandb":
            continue
        node = found.config
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = json.loads(item.value_json)


def _plain(text: str) -> float | str | None:
    """A number or a text of JSON; None for anything else, and for values that are not finite."""
    value = json.loads(text)
    if isinstance(value, str):
        return value
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def _decoding_errors() -> tuple[type[Exception], ...]:
    from google.protobuf.message import DecodeError

    return (DecodeError,)


@functools.cache
def _record_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="emo3d_exp_wandb.proto", package="emo3d_exp_wandb", syntax="proto3"
    )
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for own, (number, label, kind, of) in fields.items():
            entry = described.field.add(name=own, number=number, label=label, type=kind)
            if of:
                entry.type_name = f".emo3d_exp_wandb.{of}"
    pool = descriptor_pool.DescriptorPool()  # of our own: W&B's messages may be in the default one
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("emo3d_exp_wandb.Record"))
