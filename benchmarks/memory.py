"""Memory from the embedding cache to a training epoch, at the size of the paper's data.

150,000 pairs of 60,000 texts and 90,000 pictures go through the cache, become batches, and vae_clip trains on
them for an epoch. Beside it the simple way: every pair's embeddings in a list, batched by PyTorch's loader.
The encoder is a fake that answers at once with numbers from a hash, 512 wide, and pictures are made when they
are read: what is measured is what our data path needs, and torch. Each line is a process of its own.

    python benchmarks/memory.py
    python benchmarks/memory.py --pairs 270000 --json memory.json

RSS is the highest resident memory, with the pages of mapped files that the system may drop at any time;
anonymous is the highest memory without them, looked at every 10 ms (Linux only). Ends with status 1 if the
whole path needs 3 GiB, or the anonymous memory of the embedding pass grows by 64 MiB from 20,000 rows to all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
LIMIT_MIB = 3 * 1024
GROWTH_MIB = 64
FEW = 20_000
STATUS = Path("/proc/self/status")
WAYS = {
    "imports": "torch and Lightning, nothing else",
    "few": f"embedding pass, {FEW:,} rows",
    "pass": "embedding pass, all rows",
    "path": "whole path",
    "mapped": "whole path, nothing gathered",
    "list": "whole path, a list of pairs",
}


class Watch(threading.Thread):
    """The highest anonymous memory in MiB, from now on; None where the system does not tell."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak: float | None = None
        self.start()

    def run(self) -> None:
        while STATUS.is_file():
            self.peak = max(self.peak or 0.0, status("RssAnon"))
            time.sleep(0.01)


def status(name: str) -> float:
    """A line of the process's status, in MiB."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def peak_rss() -> float:
    """The highest resident memory of this process so far, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def fake_encoder(dim: int) -> Any:
    """Texts and pictures → (N, dim) numbers that only depend on what is encoded."""
    from emo3d_exp.backbones import Encoder

    class Fake(Encoder):
        name, fingerprint, modalities = "fake", "fake-1", frozenset({"text", "image"})

        def __init__(self) -> None:
            self.dim = dim

        def check(self) -> None:
            """Nothing is needed."""

        def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
            return self._rows([text.encode() for text in texts])

        def encode_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
            return self._rows([image[0].tobytes() for image in images])

        def _rows(self, contents: list[bytes]) -> np.ndarray:
            seeds = [int.from_bytes(hashlib.sha256(content).digest()[:8]) for content in contents]
            rows = [np.random.default_rng(seed).standard_normal(self.dim, np.float32) for seed in seeds]
            return np.stack(rows)

    return Fake()


def picture(number: int) -> np.ndarray:
    """(112, 112, 3) uint8, made when it is read."""
    pixels = np.zeros((112, 112, 3), dtype=np.uint8)
    pixels.reshape(-1)[:8] = np.frombuffer(number.to_bytes(8), np.uint8)
    return pixels


def texts_of(count: int) -> list[str]:
    """Distinct texts of about the published length."""
    return [
        f"Scene {i}: her brows are raised, her eyes wide, and the corners of her mouth sink."
        for i in range(count)
    ]


def pair_rows(options: argparse.Namespace) -> np.ndarray:
    """(P, 2) rows of texts and of pictures, in which each of them occurs."""
    rng, rows = np.random.default_rng(0), np.arange(options.pairs)
    return np.stack([rng.permutation(rows % options.texts), rng.permutation(rows % options.images)], axis=1)


def embed(options: argparse.Namespace, share: float = 1.0) -> tuple[Any, Any]:
    """The embedding pass: the first ``share`` of the texts and pictures through the cache."""
    from emo3d_exp.backbones import EmbeddingCache

    encoder, cache = fake_encoder(options.dim), EmbeddingCache(options.folder, progress=False)
    texts, images = round(options.texts * share), round(options.images * share)
    keys = [f"picture {i}" for i in range(images)]
    return cache.stored_texts(encoder, texts_of(texts)), cache.stored_images(encoder, keys, picture)


def faces_and_emotions(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """(F, 52) and (T, 8) random numbers."""
    rng = np.random.default_rng(1)
    return rng.random((options.images, 52), np.float32), rng.random((options.texts, 8), np.float32)


def as_batches(options: argparse.Namespace, gather_bytes: int | None) -> Any:
    """Pairs as batches, from the cache."""
    from emo3d_exp.data import TensorBatches
    from emo3d_exp.data.staging import GATHER_BYTES

    limit = GATHER_BYTES if gather_bytes is None else gather_bytes
    return TensorBatches(
        *embed(options),
        *faces_and_emotions(options),
        pair_rows(options),
        options.batch_size,
        shuffle=True,
        seed=1,
        gather_bytes=limit,
    )


def as_list(options: argparse.Namespace) -> Any:
    """Pairs as a list of tensors, each pair's embeddings its own, for PyTorch's loader."""
    import torch
    from torch.utils.data import DataLoader

    encoder, texts = fake_encoder(options.dim), texts_of(options.texts)
    faces, emotions = faces_and_emotions(options)
    pairs = [
        {
            "text": torch.from_numpy(encoder.encode_texts([texts[text]])[0]),
            "image": torch.from_numpy(encoder.encode_images([picture(int(face))])[0]),
            "blendshapes": torch.from_numpy(faces[face]),
            "emotions": torch.from_numpy(emotions[text]),
        }
        for text, face in pair_rows(options)
    ]
    return DataLoader(pairs, batch_size=options.batch_size, shuffle=True)


def train_epoch(options: argparse.Namespace, batches: Any) -> float:
    """One epoch of vae_clip by the project's trainer; returns its seconds."""
    from hydra import compose, initialize_config_dir
    from torch.utils.data import DataLoader

    from emo3d_exp.app.assemble import build_model
    from emo3d_exp.app.fit import build_trainer
    from emo3d_exp.runs import RunFolder

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", ["model=vae_clip", "patience=null", "trainer.max_epochs=1"])
    trainer, _ = build_trainer(cfg, RunFolder(Path(options.folder, "run")), "train/loss", [], quiet=True)
    held_out = DataLoader([next(iter(batches))], batch_size=None)
    start = time.perf_counter()
    trainer.fit(build_model(cfg, options.dim), batches, held_out)
    return time.perf_counter() - start


def child(options: argparse.Namespace) -> None:
    """One way, in this process; prints what it needed as JSON."""
    import torch

    from emo3d_exp.app import fit  # noqa: F401 (what every way imports)
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    torch.set_num_threads(1)
    watch, seconds = Watch(), None
    rows = options.texts + options.images
    make: dict[str, Callable[[], Any]] = {
        "imports": lambda: time.sleep(0.1),
        "few": lambda: embed(options, FEW / rows),
        "pass": lambda: embed(options),
        "path": lambda: as_batches(options, None),
        "mapped": lambda: as_batches(options, 0),
        "list": lambda: as_list(options),
    }
    made = make[options.way]()
    if options.way in ("path", "mapped", "list"):
        seconds = train_epoch(options, made)
    print(json.dumps({"rss": peak_rss(), "anonymous": watch.peak, "epoch_s": seconds}))


def measure(way: str, options: argparse.Namespace) -> dict[str, Any]:
    """One way in a process and a cache folder of its own."""
    settings = [f"--{name}={getattr(options, name)}" for name in ("texts", "images", "pairs", "dim")]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, f"--way={way}", f"--folder={folder}", *settings]
        command.append(f"--batch-size={options.batch_size}")
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ})
    return json.loads(done.stdout.splitlines()[-1])


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=60_000)
    parser.add_argument("--images", type=int, default=90_000)
    parser.add_argument("--pairs", type=int, default=150_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main() -> int:
    """Measure every way, print a table, judge."""
    options = parse()
    if options.way:
        child(options)
        return 0
    found = {}
    print(
        f"{options.texts:,} texts, {options.images:,} pictures, {options.pairs:,} pairs, width {options.dim}"
    )
    print(f"{'peak, MiB':<34}{'RSS':>8}{'anonymous':>12}{'epoch, s':>10}")
    for way, label in WAYS.items():
        found[way] = row = measure(way, options)
        anonymous = "-" if row["anonymous"] is None else f"{row['anonymous']:.0f}"
        epoch = "" if row["epoch_s"] is None else f"{row['epoch_s']:.1f}"
        print(f"{label:<34}{row['rss']:>8.0f}{anonymous:>12}{epoch:>10}", flush=True)
    growth = (found["pass"]["anonymous"] or 0.0) - (found["few"]["anonymous"] or 0.0)
    print(f"the whole path may need {LIMIT_MIB} MiB, with all pages of mapped files")
    print(f"the embedding pass may grow by {GROWTH_MIB} MiB, it grew by {growth:.0f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return int(found["path"]["rss"] >= LIMIT_MIB or growth >= GROWTH_MIB)


if __name__ == "__main__":
    sys.exit(main())
