"""Run folders and W&B files as trainings leave them, made without training."""

from __future__ import annotations

import csv
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import yaml

CONFIG = {
    "model": {"name": "vae_clip"},
    "head": {"_target_": "emo3d_exp.heads.VAEHead", "hidden": [256]},
    "loss": {"lambda_text": 0.1, "lambda_image": 0.1},
    "optimizer": {"lr": 0.001},
    "augmentation": {"mirror": False},
    "evaluate": True,
    "seed": 1,
    "name": "a",
    "group": None,
}
CONDITIONS = {"data": "d", "split": "test", "judge": {"name": "face_clip", "fingerprint": "f"}, "k": 10}


def nested(changes: dict[str, Any]) -> dict[str, Any]:
    """``CONFIG`` with dotted keys changed."""
    config = json.loads(json.dumps(CONFIG))
    for key, value in changes.items():
        *parents, name = key.split(".")
        node = config
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return config


def make_run(
    folder: Path,
    emo3d: float | None = 0.65,
    curve: list[float] | None = None,
    created: str = "2026-01-31T12:00:00+00:00",
    git: dict[str, Any] | None = None,
    weights: bool = True,
    figures: dict[str, float] | None = None,
    **changes: Any,
) -> Path:
    """A run; ``loss__lambda_text=0.5`` changes that key. emo3d: None leaves the run unscored."""
    config = nested({key.replace("__", "."): value for key, value in changes.items()})
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, "run_dir": str(folder)}, sort_keys=False))
    known = {"created": created, "git": git or {"commit": "0123456789abcdef", "changed": False}}
    (folder / "provenance.json").write_text(json.dumps(known))
    (folder / "train.log").write_text(
        f"[2026-01-31 12:00:05,1][emo3d_exp.app.train][INFO] - {folder} is done in 5 s\n"
    )
    curve = [0.03, 0.012, 0.013] if curve is None else curve
    if weights:
        told = {"schema": 1, "parameters": 1000, "epoch": 1, "val/mse": min(curve), "train_seconds": 2.5}
        (folder / "model.json").write_text(json.dumps(told))
        (folder / "weights.safetensors").write_bytes(b"")
    (folder / "curves").mkdir()
    with (folder / "curves" / "metrics.csv").open("w", newline="") as file:
        lines = csv.DictWriter(file, ["epoch", "step", "train/loss", "val/mse"])
        lines.writeheader()
        for epoch, value in enumerate(curve):
            lines.writerow({"epoch": epoch, "step": epoch, "val/mse": value})
            lines.writerow({"epoch": epoch, "step": epoch, "train/loss": 2 * value})
    if emo3d is not None:
        score(folder, {"mse": emo3d / 50, "emo3d": emo3d, "emotion_accuracy": 0.75, **(figures or {})})
    return folder


def score(folder: Path, figures: dict[str, float], part: str = "test", **conditions: Any) -> None:
    file = folder / "evaluation" / part / "metrics.json"
    file.parent.mkdir(parents=True)
    content = {"schema": 2, "metrics": figures, "provenance": {**CONDITIONS, **conditions}}
    file.write_text(json.dumps(content))


def make_wandb_file(
    folder: Path,
    run_id: str = "abcd1234",
    curve: tuple[float, ...] = (0.03, 0.012, 0.013),
    summary: dict[str, float | str] | None = None,
    exit_code: int | None = 0,
    job_type: str = "train",
    first_epoch: int = 0,
    **changes: Any,
) -> Path:
    """What W&B writes offline, from W&B's own messages: ``<folder>/run-<id>.wandb``."""
    from wandb.proto import wandb_internal_pb2 as messages

    def item(target: Any, key: str, value: Any, nested_key: bool = False) -> None:
        added = target.add(value_json=json.dumps(value))
        if nested_key:
            added.nested_key.append(key)
        else:
            added.key = key

    run = messages.Record()
    run.run.run_id, run.run.display_name, run.run.run_group = run_id, f"run {run_id}", "a group"
    run.run.job_type, run.run.start_time.seconds = job_type, 1_769_860_800
    config = nested({key.replace("__", "."): value for key, value in changes.items()})
    for key, value in {**config, "_wandb": {}}.items():
        item(run.run.config.update, key, value)
    records = [run]
    for epoch, value in enumerate(curve, first_epoch):
        history, told = messages.Record(), messages.Record()
        for key, own in {"epoch": epoch, "val/mse": value, "_runtime": 1.5}.items():
            item(history.history.item, key, own, nested_key=True)
            item(told.summary.update, key, own, nested_key=True)
        records += [history, told]
    told = messages.Record()
    for key, own in (summary or {}).items():
        item(told.summary.update, key, own)
    records.append(told)
    if exit_code is not None:
        end = messages.Record()
        end.exit.exit_code, end.exit.runtime = exit_code, 7
        records.append(end)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"run-{run_id}.wandb"
    file.write_bytes(as_log([record.SerializeToString() for record in records]))
    return file


def as_log(records: list[bytes]) -> bytes:
    """Records in blocks of 32 KiB, cut where a block ends."""
    data = bytearray(struct.pack("<4sHB", b":W&B", 0xBEE1, 0))
    for record in records:
        first = True
        while first or record:
            room = 32768 - len(data) % 32768
            if room < 7:
                data += bytes(room)
                continue
            piece, record = record[: room - 7], record[room - 7 :]
            kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[first, not record]
            data += (
                struct.pack("<IHB", zlib.crc32(piece, zlib.crc32(bytes([kind]))), len(piece), kind) + piece
            )
            first = False
    return bytes(data)
