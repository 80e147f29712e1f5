"""Files of a run that are kept as artifacts of its W&B page, where ``tracking.artifacts`` asks for them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emo3d_exp.errors import ConfigError

TYPES = {"weights": "model", "checkpoint": "checkpoint", "predictions": "predictions"}
"""W&B's type of each kind."""
OF_RUN = {
    "weights": ("weights.safetensors", "model.json", "config.yaml"),
    "checkpoint": ("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
}
FACTS = ("vocabulary", "data", "data_hash", "split_hash", "backbone")
"""Of the provenance."""


def check_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds as given.

    Raises:
        ConfigError: one does not exist.
    """
    unknown = [str(kind) for kind in kinds if kind not in TYPES]
    if unknown:
        raise ConfigError(f"tracking.artifacts={list(kinds)}: {unknown[0]} is none of {', '.join(TYPES)}")
    return tuple(kinds)


def run_artifact(kind: str, run_dir: Path, run_id: str) -> Any | None:
    """A ``wandb.Artifact`` of a training's weights or checkpoints; None where it has left none."""
    files = {name: run_dir / name for name in OF_RUN[kind] if (run_dir / name).is_file()}
    if not any(name.startswith((kind, "checkpoints/")) for name in files):
        return None
    return _artifact(kind, f"{kind}-{run_id}", files, _facts(run_dir) | _read(run_dir / "model.json"))


def predictions_artifact(folder: Path, run_id: str) -> Any | None:
    """A ``wandb.Artifact`` of an evaluation's predictions and figures; None where there are none."""
    found = [*folder.glob("predictions.*"), *folder.glob("metrics.json")]
    if not list(folder.glob("predictions.*")):
        return None
    told = _read(folder / "metrics.json").get("metrics", {})
    files = {file.name: file for file in sorted(found)}
    return _artifact("predictions", f"predictions-{folder.name}-{run_id}", files, told)


def _artifact(kind: str, name: str, files: dict[str, Path], metadata: dict[str, Any]) -> Any:
    import wandb

    artifact = wandb.Artifact(re.sub(r"[^\w.-]", "-", name), type=TYPES[kind], metadata=metadata)
    for inside, file in files.items():
        artifact.add_file(str(file), name=inside, policy="immutable")  # a reference, not a copy elsewhere
    return artifact


def _facts(run_dir: Path) -> dict[str, Any]:
    known = _read(run_dir / "provenance.json")
    git = known.get("git") or {}
    return {name: known[name] for name in FACTS if name in known} | {"commit": git.get("commit")}


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
