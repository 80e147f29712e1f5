"""Seconds to score 250 prompts and write the report, with an empty cache and again with a new system.

The first evaluation draws and encodes the predictions and every reference; the second, of another system,
only its predictions. Faces come from the FACS prior, the judge is the packaged FaceCLIP.

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --prompts 1000 --limit 80

Ends with status 1 if the first evaluation takes longer than the limit.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import open_clip
import pandas as pd
import torch
import torchmetrics
import transformers

from emo3d_exp.backbones import EmbeddingCache, OpenCLIPEncoder
from emo3d_exp.evaluation import Evaluator, write_report
from emo3d_exp.faces import FACSPrior, Renderer, load_rig
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.vocab import EMOTIONS

IMPORTED_BEFORE_THE_CLOCK = (open_clip, pd, torch, torchmetrics, transformers)
BANK = 800


def make_prompts(count: int, first_id: int, rng: np.random.Generator) -> Prompts:
    """Prompts with one or two emotions and faces from the prior; every text is distinct."""
    emotions = np.zeros((count, len(EMOTIONS)), dtype=np.float32)
    rows = np.arange(count)
    emotions[rows, rng.integers(0, 8, count)] = 0.3 * rng.random(count)
    emotions[rows, rows % 8] = 0.5 + 0.5 * rng.random(count)
    text = tuple(
        f"Face {first_id + row}: "
        + ", ".join(f"{name} {v:.2f}" for name, v in zip(EMOTIONS, vector, strict=True) if v)
        for row, vector in enumerate(emotions)
    )
    return Prompts(
        first_id + rows, np.ones(count, np.int64), text, emotions, FACSPrior().sample(emotions, rng)
    )


def predict(prompts: Prompts, rng: np.random.Generator) -> Predictions:
    """A stand-in for a system: the true faces with noise."""
    faces = prompts.blendshapes + rng.normal(0, 0.05, prompts.blendshapes.shape)
    return Predictions(prompts.sample_id, prompts.text_number, faces.clip(0, 1).astype(np.float32))


def main() -> None:
    """Measure, print JSON, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=250)
    parser.add_argument("--threads", type=int, default=2, help="of torch and of drawing")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds")
    parser.add_argument(
        "--weights", default="packaged", help="of FaceCLIP: packaged, or a file that was exported"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    rig, judge = load_rig("builtin"), OpenCLIPEncoder("face_clip", "face_clip", options.weights)
    prompts, others = make_prompts(options.prompts, 0, rng), make_prompts(BANK, 10**6, rng)
    judge.check()
    with tempfile.TemporaryDirectory() as folder:
        renderer, cache = Renderer(rig), EmbeddingCache(Path(folder) / "cache", progress=False)
        evaluator = Evaluator(rig, renderer, judge, cache, threads=options.threads)
        bank, mean_face = evaluator.select_bank(others), others.blendshapes.mean(axis=0)
        seconds, cpu_seconds = {}, {}
        for name in ("first", "second_system"):
            start, cpu_start = time.perf_counter(), time.process_time()
            evaluation = evaluator.evaluate(predict(prompts, rng), prompts, bank, mean_face)
            write_report(evaluation, Path(folder) / name, renderer)
            seconds[name] = round(time.perf_counter() - start, 2)
            cpu_seconds[name] = round(time.process_time() - cpu_start, 2)
    result = {
        "prompts": options.prompts,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "limit": options.limit,
    }
    print(json.dumps(result, indent=2))
    sys.exit(seconds["first"] > options.limit)


if __name__ == "__main__":
    main()
