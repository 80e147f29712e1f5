"""One epoch of training through this project's Lightning trainer against a plain PyTorch loop.

Both see 20,000 cached pairs of text, picture and face, batches of 512, and the heads, losses and optimizer
of the configs; both end an epoch by computing the validation error of 2,000 pairs. The trainer also logs,
counts, and writes its checkpoints. They take turns in one process, since neighbours on a machine disturb
both alike; the first epoch of each turn is a warm-up and is not counted.

The row `fine_tuning` trains a BERT of 4 layers and 256 dimensions, of random weights, along with lm_mlp's
head: 640 texts of 32 tokens each (so that neither loop gains by sorting them), batches of 32, AdamW with
warm-up in both.

    python benchmarks/training.py
    python benchmarks/training.py --rounds 9 --json training.json --models vae_clip fine_tuning

The ratio is the median over the turns of one turn's ratio. Ends with status 1 if it is above 1.3, or 1.1 for
`fine_tuning`. A new model needs its loss in plain_training.PLAIN.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from plain_training import PLAIN, Clock, plain_fine_tuning, plain_loop
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from emo3d_exp.app.assemble import build_model  # noqa: E402
from emo3d_exp.app.fit import build_trainer  # noqa: E402
from emo3d_exp.app.quiet import quiet_libraries  # noqa: E402
from emo3d_exp.backbones import Tuning  # noqa: E402
from emo3d_exp.backbones.text_tower import TextTower  # noqa: E402
from emo3d_exp.backbones.tokens import TokenRows  # noqa: E402
from emo3d_exp.data import TensorBatches, TokenBatches  # noqa: E402
from emo3d_exp.runs import RunFolder  # noqa: E402

FINE_TUNING = "fine_tuning"
LIMIT, LIMITS = 1.3, {FINE_TUNING: 1.1}
TEXTS, TOKENS, WORDS, TEXT_BATCH = 640, 32, 2000, 32


def make_columns(count: int, dim: int, seed: int) -> dict[str, np.ndarray]:
    """Random embeddings and faces; what they hold does not change what an epoch costs."""
    rng = np.random.default_rng(seed)
    text, image = (rng.normal(size=(count, dim)).astype(np.float32) for _ in range(2))
    faces = rng.random((count, 52), dtype=np.float32)
    return {
        "text": text,
        "image": image,
        "blendshapes": faces,
        "emotions": rng.random((count, 8)).astype("f4"),
    }


def stage(columns: dict[str, np.ndarray], batch_size: int, shuffle: bool) -> TensorBatches:
    """The project's batches."""
    rows = np.arange(len(columns["text"])).repeat(2).reshape(-1, 2)
    return TensorBatches(**columns, pairs=rows, batch_size=batch_size, shuffle=shuffle, seed=1)


class EpochMarks(Callback):
    """Notes when each epoch begins, and when the last one ends."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.marks = clock, list[float]()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.marks.append(self.clock())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.marks.append(self.clock())


def through_trainer(
    cfg: DictConfig, model: LightningModule, train: Any, val: Any, clock: Clock
) -> list[float]:
    """Seconds of each epoch after the first."""
    noted = EpochMarks(clock)
    with tempfile.TemporaryDirectory() as folder:
        trainer, _ = build_trainer(cfg, RunFolder(folder), "val/mse", [], quiet=True)
        trainer.callbacks.insert(0, noted)
        trainer.fit(model, train, val)
    return np.diff(noted.marks)[1:].tolist()


MODELS = (*PLAIN, FINE_TUNING)


def with_bert(model: Any) -> Any:
    """lm_mlp's module with a BERT of random weights."""
    from transformers import BertConfig, BertModel

    shape = {"num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
    bert = BertModel(BertConfig(vocab_size=WORDS, hidden_size=256, **shape))
    model.tower = TextTower(bert, "mean", False, Tuning())
    return model


def token_columns(count: int, seed: int) -> dict[str, np.ndarray]:
    """Random tokens and faces."""
    ids = np.random.default_rng(seed).integers(10, WORDS, (count, TOKENS))
    return {"ids": ids, **make_columns(count, 1, seed)}


def stage_tokens(columns: dict[str, np.ndarray], shuffle: bool) -> TokenBatches:
    """The project's batches of tokens."""
    rows = np.arange(len(columns["ids"]))
    tokens, pairs = TokenRows(columns["ids"].tolist(), rows, pad=0), rows.repeat(2).reshape(-1, 2)
    return TokenBatches(tokens, columns["blendshapes"], columns["emotions"], pairs, TEXT_BATCH, shuffle)


def ways_of(name: str, cfg: DictConfig, options: argparse.Namespace) -> dict[str, Callable[[], list[float]]]:
    """The same training in both ways."""
    tuned = name == FINE_TUNING
    sizes, dim = ((TEXTS, 64), 256) if tuned else ((options.pairs, 2000), options.dim)
    train, val = (
        token_columns(n, i) if tuned else make_columns(n, options.dim, i) for i, n in enumerate(sizes)
    )
    plain = [{k: torch.from_numpy(v) for k, v in part.items()} for part in (train, val)]
    loop = plain_fine_tuning if tuned else plain_loop
    clock = time.process_time if options.cpu else time.perf_counter

    def model() -> Any:
        seed_everything(0, verbose=False)
        built = build_model(cfg, dim)
        return with_bert(built) if tuned else built

    def batches(columns: dict[str, np.ndarray], shuffle: bool) -> Any:
        return stage_tokens(columns, shuffle) if tuned else stage(columns, options.batch_size, shuffle)

    return {
        "trainer": lambda: through_trainer(cfg, model(), batches(train, True), batches(val, False), clock),
        "plain": lambda: loop(cfg, model(), *plain, clock),
    }


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Both ways in turn, several rounds."""
    tuned = name == FINE_TUNING
    batch_size, model = (TEXT_BATCH, "lm_mlp") if tuned else (options.batch_size, name)
    overrides = [f"model={model}", "patience=null", f"trainer.max_epochs={options.epochs + 1}"]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", [*overrides, f"batch_size={batch_size}"])
    rounds: dict[str, list[float]] = {"trainer": [], "plain": []}
    ways = ways_of(name, cfg, options)
    for turn in range(options.rounds):
        for way in sorted(ways, reverse=bool(turn % 2)):
            rounds[way].append(statistics.median(ways[way]()))
    medians = {way: statistics.median(values) for way, values in rounds.items()}
    ratios = [ours / plain for ours, plain in zip(rounds["trainer"], rounds["plain"], strict=True)]
    return {"model": name, **medians, "ratio": statistics.median(ratios), "ratios": ratios, "rounds": rounds}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--dim", type=int, default=512, help="width of the embeddings (CLIP ViT-B/32: 512)")
    parser.add_argument("--epochs", type=int, default=3, help="counted in each turn")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each way")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--cpu", action="store_true", help="CPU seconds: on a machine with busy neighbours")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, print a table, judge."""
    options = parse()
    quiet_libraries()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    results = [measure(name, options) for name in options.models]
    print(f"seconds an epoch, median of {options.rounds} turns of {options.epochs} epochs")
    print(f"{'model':<12}{'trainer':>10}{'plain':>10}{'ratio':>8}")
    for row in results:
        print(f"{row['model']:<12}{row['trainer']:>10.3f}{row['plain']:>10.3f}{row['ratio']:>8.2f}")
    if options.json:
        settings = {name: value for name, value in vars(options).items() if name != "json"}
        content = {"settings": settings, "limit": LIMIT, "limits": LIMITS, "results": results}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    sys.exit(any(row["ratio"] > LIMITS.get(row["model"], LIMIT) for row in results))


if __name__ == "__main__":
    main()
