"""The comparison of 200 runs: how long the first look takes, the next one, and the page.

Makes run folders as a training leaves them: the config of ``python train.py`` with a few values changed, its
provenance, scores and W&B's own offline file, written by W&B once with the curves of a training and copied.
Each look is a process of its own, as a user starts it; the first has an empty cache. Beside it stands what
one would write first: a loop that reads config.yaml by OmegaConf and the two JSON files, and no curves, in a
process of its own too. Seconds of the clock, and of the processor, which other work does not stretch.

    python benchmarks/comparing.py
    python benchmarks/comparing.py --runs 1000 --epochs 100 --json comparing.json

Ends with status 1 if a second look is less than twice as fast as the loop.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

RATIO = 2.0
LOOP = """
import json, sys
from pathlib import Path
from omegaconf import OmegaConf

table = []
for file in sorted(Path(sys.argv[1]).glob("*/config.yaml")):
    config = OmegaConf.to_container(OmegaConf.load(file))
    told = json.loads((file.parent / "model.json").read_text())
    scores = json.loads((file.parent / "evaluation" / "test" / "metrics.json").read_text())
    table.append((config, told, scores["metrics"]))
for config, told, metrics in table:
    print(config["seed"], config["loss"]["lambda_text"], told["val/mse"], metrics["emo3d"])
"""
FIGURES = ("mse", "mse_51", "mae", "emo3d", "emo3d_kl", "r_at_1", "r_at_5", "r_at_10", "emotion_accuracy")


def composed() -> Any:
    """The config of ``python train.py``."""
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("train", ["run_dir=run", "threads=1"])


def offline_file(folder: Path, config: dict[str, Any], epochs: int) -> Path:
    """W&B's file of one run: config, six curves, final figures."""
    import wandb

    os.environ["WANDB_ERROR_REPORTING"] = "false"
    settings = wandb.Settings(silent=True, console="off", disable_code=True, x_disable_stats=True)
    run = wandb.init(mode="offline", dir=str(folder), config=config, settings=settings, name="made")
    for epoch in range(epochs):
        names = ("val/mse", "train/loss", "train/text", "train/image", "train/prior", "train/reconstruction")
        run.log({"epoch": epoch, **{name: 0.01 + 0.05 / (epoch + 1) for name in names}})
    run.summary.update({f"test/{name}": 0.5 for name in FIGURES})
    run.finish()
    return next(folder.glob("wandb/offline-run-*/run-*.wandb"))


def make_runs(outputs: Path, count: int, epochs: int, rng: np.random.Generator) -> int:
    """Write the folders; the bytes of one W&B file."""
    from omegaconf import OmegaConf

    cfg = composed()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(offline_file(Path(folder), OmegaConf.to_container(cfg, resolve=True), epochs), outputs)
    source = next(outputs.glob("*.wandb"))
    run_id = source.stem.removeprefix("run-")
    for number in range(count):
        run = outputs / f"run_{number:04d}"
        part = run / "wandb" / f"offline-run-20260131_120000-{run_id}"
        part.mkdir(parents=True)
        shutil.copy(source, part)
        cfg.seed, cfg.run_dir = number % 5 + 1, str(run)
        cfg.loss.lambda_text, cfg.loss.lambda_image = (float(v) for v in rng.choice([0.01, 0.1, 0.5, 1.0], 2))
        cfg.optimizer.lr = float(10 ** rng.uniform(-4, -2))
        error = 0.01 + 0.002 * abs(np.log10(cfg.optimizer.lr) + 3) + 0.001 * cfg.loss.lambda_text
        values = {name: float(error * (1 + 0.01 * rng.random())) for name in FIGURES}
        (run / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True), encoding="utf-8")
        told = {
            "schema": 1,
            "parameters": 224308,
            "epoch": 25,
            "val/mse": values["mse"],
            "train_seconds": 9.4,
        }
        files = {"model.json": told, "tracking.json": {"run_id": run_id}}
        files["provenance.json"] = {"created": f"2026-01-31T12:{number % 60:02d}:00+00:00", "git": {}}
        files["evaluation/test/metrics.json"] = {"metrics": values, "provenance": {"k": 10}}
        (run / "evaluation" / "test").mkdir(parents=True)
        for name, content in files.items():
            (run / name).write_text(json.dumps(content), encoding="utf-8")
        (run / "weights.safetensors").touch()
    size = source.stat().st_size
    source.unlink()
    return size


def seconds(command: list[str], cache: Path) -> tuple[float, float]:
    """Of a process, by the clock from its start to its end, and of the processor."""
    environment = {**os.environ, "EMO3D_CACHE": str(cache), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, cwd=ROOT)
    taken, after = time.perf_counter() - started, os.times()
    busy = sum(after[at] - before[at] for at in (2, 3))
    return taken, busy


def measure(outputs: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """Medians; the ways take turns, so that what else runs on the machine meets them all."""
    compare = [sys.executable, "-m", "emo3d_exp.compare", str(outputs)]
    taken: dict[str, list[tuple[float, float]]] = {"first": [], "again": [], "page": [], "loop": []}
    for number in range(repeats):
        cache = outputs.parent / f"cache_{number}"
        taken["loop"].append(seconds([sys.executable, "-c", LOOP, str(outputs)], cache))
        taken["first"].append(seconds(compare, cache))
        taken["again"].append(seconds(compare, cache))
        taken["page"].append(seconds([*compare, f"out={outputs.parent / 'compared'}"], cache))
    return {
        name: (statistics.median(clock for clock, _ in both), statistics.median(busy for _, busy in both))
        for name, both in taken.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        outputs.mkdir()
        size = make_runs(outputs, options.runs, options.epochs, np.random.default_rng(0))
        found = measure(outputs, options.repeats)
        page = (Path(folder) / "compared" / "compare.html").stat().st_size
    ratio = found["loop"][1] / found["again"][1]
    print(f"{options.runs} runs, W&B's file {size / 1024:.0f} KiB each, medians of {options.repeats}:")
    labels = {
        "first": "first look, curves parsed",
        "again": "again, curves from the cache",
        "page": f"again with files and forest, page of {page / 2**20:.1f} MiB",
        "loop": "loop with OmegaConf, no curves",
    }
    for name, label in labels.items():
        clock, busy = found[name]
        times = found["loop"][1] / busy
        print(
            f"  {label:<45} {clock:6.2f} s, {busy:6.2f} s of the processor, {times:4.1f} × the loop's speed"
        )
    if options.json:
        told = {**vars(options), **found, "page_bytes": page}
        options.json.write_text(json.dumps(told, default=str, indent=2))
    return 0 if ratio >= RATIO else 1


if __name__ == "__main__":
    raise SystemExit(main())
