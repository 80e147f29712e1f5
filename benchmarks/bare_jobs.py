"""The jobs of a sweep with nothing in them but what none can do without: benchmarks/sweeps.py --bare.

A job trains by a loop written by hand, answers the test texts, draws these faces and embeds the pictures.
There is no checkpoint, no Lightning, no metric, no report and no tracking, but the libraries are imported, as
by train.py. What jobs of one process have in common is read once. Jobs may differ in plain values alone.

    python benchmarks/bare_jobs.py --launcher joblib --out bare \\
        "loss.lambda_text=0.001 loss.lambda_image=0.002" "loss.lambda_text=0.003 loss.lambda_image=0.002"
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from joblib import Parallel, delayed
from omegaconf import DictConfig, OmegaConf

ROOT = Path(__file__).resolve().parents[1]
CHUNK = 64


@functools.cache
def common(sweep: str, settings: tuple[str, ...]) -> tuple[DictConfig, list[Any], Any, Any]:
    """The sweep's config, the columns that are trained and validated on, embedded test texts, evaluator."""
    import torch

    from emo3d_exp.app.assemble import build_encoder, embedding_cache
    from emo3d_exp.app.data import load_data
    from emo3d_exp.app.fitting import stage
    from emo3d_exp.app.scoring import build_evaluator

    place = f"hydra.searchpath=[file://{ROOT / 'multirun_sweeps'}]"
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", [f"sweep={sweep}", place, *settings])
    encoder, data = build_encoder(cfg.backbone), load_data(cfg)
    columns = [dict(stage(data, part, encoder, cfg).whole()) for part in ("train", "val")]
    texts = np.array(embedding_cache().texts(encoder, data.prompts("test").text))
    return cfg, columns, torch.from_numpy(texts), build_evaluator(cfg)


class NothingKept:
    """An embedding cache without files: no job's faces are those of another."""

    def images(
        self, judge: Any, keys: Sequence[str], read: Callable[[int], np.ndarray], shared: bool
    ) -> np.ndarray:
        """(N, D) embeddings; while some are made, the next pictures are drawn."""
        parts = (range(start, min(start + CHUNK, len(keys))) for start in range(0, len(keys), CHUNK))
        return np.concatenate([judge.encode_images([read(row) for row in part]) for part in parts])


def job(sweep: str, settings: tuple[str, ...], overrides: str, threads: int, folder: Path) -> None:
    """Train and judge; ``model.json`` in the folder tells how many seconds the training took."""
    import pytorch_lightning
    import torch
    import wandb  # noqa: F401
    from plain_training import plain_loop

    from emo3d_exp.app.assemble import build_model, set_threads
    from emo3d_exp.evaluation.pictures import face_features

    set_threads(threads)
    cfg, (train, val), texts, evaluator = common(sweep, settings)
    cfg = OmegaConf.merge(cfg, OmegaConf.from_dotlist(overrides.split()))
    pytorch_lightning.seed_everything(cfg.seed, verbose=False)
    model, started = build_model(cfg, texts.shape[1]), time.perf_counter()
    plain_loop(cfg, model, train, val, time.perf_counter)
    took = time.perf_counter() - started
    with torch.inference_mode():
        faces = model.eval().from_text(texts).numpy()
    face_features(faces, evaluator.renderer, evaluator.judge, NothingKept(), threads)  # type: ignore[arg-type]
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"train_seconds": took}), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("jobs", nargs="+")
    parser.add_argument("--sweep", default="vae_clip_lambda_grid")
    parser.add_argument("--launcher", default="basic", choices=["basic", "joblib"])
    parser.add_argument("--at-once", type=int, default=2, help="jobs of joblib")
    parser.add_argument("--cores", type=int, default=2, help="that the jobs share")
    parser.add_argument("--set", nargs="*", default=[], help="settings of every job")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    at_once = given.at_once if given.launcher == "joblib" else 1
    threads = max(1, given.cores // at_once)
    from bare_jobs import job as one  # not of __main__, which other processes would have to be sent

    Parallel(n_jobs=at_once)(
        delayed(one)(given.sweep, tuple(given.set), overrides, threads, given.out / str(number))
        for number, overrides in enumerate(given.jobs)
    )


if __name__ == "__main__":
    main()
