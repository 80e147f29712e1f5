"""Run folders as far as a leaderboard reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

PROVENANCE = {
    "data": "d1", "split": "test", "split_hash": "s1", "prompts": 3, "seed": 0, "bootstrap": 200,
    "judge": {"name": "j_1", "fingerprint": "f1"}, "rig": {"name": "builtin", "fingerprint": "r1"},
    "renderer": "p1", "looks": {"count": 1, "vary": [], "average": None, "seed": None}, "k": 10, "eps": 0.001,
    "aggregation": "per_sample", "exclude_self": True,
    "bank": {"split": "train", "size": 400, "seed": 0, "hash": "b1"},
}  # fmt: skip


def make_run(
    folder: Path,
    system: str,
    seed: int,
    emo3d: list[float],
    facts: dict[str, Any] | None = None,
    **config: Any,
) -> Path:
    """A run folder as far as a leaderboard reads it; MSE is a tenth of Emo3D."""
    report = folder / "evaluation" / "test"
    report.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": {"name": system}, "seed": seed, **config}))
    (folder / "model.json").write_text(json.dumps({"parameters": 1234, "train_seconds": 10.0 + seed}))
    mean = float(np.mean(emo3d))
    content = {
        "schema": 2,
        "metrics": {
            "mse": mean / 10,
            "mse_low": mean / 11,
            "mse_high": mean / 9,
            "emo3d": mean,
            "emo3d_low": mean - 0.01,
            "emo3d_high": mean + 0.02,
        },
        "references": {"ground_truth": {"mse": 0.0, "emo3d": 0.55}},
        "provenance": {**PROVENANCE, "system": system, **(facts or {})},
    }
    (report / "metrics.json").write_text(json.dumps(content))
    ids = np.arange(len(emo3d))
    table = pd.DataFrame({"sample_id": ids, "text_number": 1, "emo3d": emo3d, "mse": np.array(emo3d) / 10})
    table["kl"] = -np.log(1 / table["emo3d"] - 1)
    table.to_parquet(report / "per_sample.parquet")
    return report / "metrics.json"
