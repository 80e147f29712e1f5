"""What a run folder holds: whether its files can be read, and what of it must not depend on interruptions."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

TIMES = ("seconds", "time", "started", "ended", "machine", "rank")
"""Parts of keys whose values are those of a process, and not of what it has computed."""


def unreadable(folder: Path) -> list[str]:
    """Files with a name of their own (none that is being written) that their format's reader refuses."""
    told = []
    for file in sorted(folder.rglob("*")):
        read = READERS.get(file.suffix)
        if read is None or not file.is_file() or hidden(file, folder):
            continue
        try:
            read(file)
        except Exception as error:
            told.append(f"{file.relative_to(folder)} ({type(error).__name__})")
    return told


def hidden(file: Path, folder: Path) -> bool:
    """A file that is being written, or one of W&B's own."""
    parts = file.relative_to(folder).parts
    return any(part.startswith(".") for part in parts) or "wandb" in parts


def _read_arrays(file: Path) -> None:
    from safetensors.numpy import load_file

    load_file(file)


def _read_checkpoint(file: Path) -> None:
    import torch

    torch.load(file, map_location="cpu", weights_only=True)


def _read_archive(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None


def _read_table(file: Path) -> None:
    import pyarrow.parquet as pq

    pq.read_table(file)


READERS = {
    ".json": lambda file: json.loads(file.read_text(encoding="utf-8")),
    ".safetensors": _read_arrays,
    ".ckpt": _read_checkpoint,
    ".npz": _read_archive,
    ".parquet": _read_table,
}


def run_result(run: Path) -> dict[str, str]:
    """Hashes of what a run has come to: its weights, and every evaluation's metrics and predictions."""
    found = {"weights": tensors(run / "weights.safetensors")}
    told = json.loads((run / "model.json").read_text(encoding="utf-8"))
    found["model.json"] = hashed(without_times(told))
    for metrics in sorted(run.glob("evaluation/*/metrics.json")):
        found[f"metrics of {metrics.parent.name}"] = hashed(without_times(json.loads(metrics.read_text())))
    for table in sorted(run.glob("evaluation/*/*.npz")):
        found[f"{table.name} of {table.parent.name}"] = arrays(table)
    return {f"{run.name}: {key}": value for key, value in found.items()}


def hashed(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def without_times(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {key: v for key, v in value.items() if not any(part in key for part in TIMES)}
    return {key: without_times(v) for key, v in kept.items()}


def tensors(file: Path) -> str:
    from safetensors.numpy import load_file

    values = load_file(file)
    parts = [name.encode() + values[name].tobytes() for name in sorted(values)]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def arrays(file: Path) -> str:
    import numpy as np

    with np.load(file, allow_pickle=False) as values:
        parts = [name.encode() + values[name].tobytes() for name in sorted(values)]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]
