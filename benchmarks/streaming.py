"""Memory and time of data=table in memory and in mapped files (data.streaming=true), at two sizes.

Makes sharded tables of samples with one text of about 90 characters and one face with scores, embeds the
texts with a fake encoder that answers at once, and trains lm_mlp for an epoch. Each line is a process of its
own, once with an empty cache (which writes the mapped files) and once again (which opens them). No embedding
is gathered in memory, as in any table whose embeddings take more than 1 GiB. From the two sizes: bytes a
sample, and what they make of 15 million samples.

    python benchmarks/streaming.py
    python benchmarks/streaming.py --samples 300000,600000 --ways "mapped,mapped again" --json streaming.json

Anonymous is the highest memory that the system cannot take back, looked at every 10 ms (Linux only); RSS is
the highest resident memory, with the pages of mapped files that it may drop at any time. Ends with status 1
if the mapped table would need 4 GiB of anonymous memory at 15 million samples.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from memory import ROOT, Watch, peak_rss, status

WAYS = ("imports", "memory", "memory again", "mapped", "mapped again")
SHARD_ROWS = 50_000
MANY = 15_000_000
LIMIT_GIB = 4.0


def write_table(folder: Path, samples: int) -> None:
    """Shards of random samples; one in a hundred is for validation and one for testing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from emo3d_exp.data.table_schema import table_schema
    from emo3d_exp.vocab import EMOTIONS

    rng = np.random.default_rng(0)
    (folder / "assemble").mkdir(parents=True)
    for start in range(0, samples, SHARD_ROWS):
        ids = np.arange(start, min(start + SHARD_ROWS, samples))
        texts = [
            f"Scene {i}: her brows are raised, her eyes wide, and the corners of her mouth sink." for i in ids
        ]
        one_each = pa.array(np.arange(len(ids) + 1, dtype=np.int32))
        scores = pa.ListArray.from_arrays(
            pa.array(np.arange(len(ids) + 1, dtype=np.int32) * 52), pa.array(rng.random(len(ids) * 52, "f"))
        )
        face_type = table_schema().field("faces").type.value_type
        given = {"face_number": pa.array(np.ones(len(ids), dtype=np.int64)), "blendshapes": scores}
        faces = pa.StructArray.from_arrays(
            [given.get(field.name, pa.nulls(len(ids), field.type)) for field in face_type],
            fields=list(face_type),
        )
        intensities = rng.random((len(ids), len(EMOTIONS)), "f")
        columns = {
            "sample_id": ids,
            "split": np.where(ids % 100 == 1, "val", np.where(ids % 100 == 2, "test", "train")),
            "prompt_type": pa.nulls(len(ids), pa.string()),
            "texts": pa.ListArray.from_arrays(one_each, pa.array(texts)),
            **{name: intensities[:, number] for number, name in enumerate(EMOTIONS)},
            "faces": pa.ListArray.from_arrays(one_each, faces),
            "set_aside": pa.nulls(len(ids), pa.string()),
        }
        shard = pa.table(columns, schema=table_schema())
        pq.write_table(shard, folder / "assemble" / f"{start // SHARD_ROWS:05}.parquet")


def texts_of(ids: np.ndarray) -> list[str]:
    """Distinct texts of about the published length."""
    return [
        f"Scene {i}: her brows are raised, her eyes wide, and the corners of her mouth sink." for i in ids
    ]


def fake_encoder(dim: int) -> Any:
    """Texts → (N, dim) numbers that only depend on the text."""
    from emo3d_exp.backbones import Encoder

    class Fake(Encoder):
        name, fingerprint, modalities = "fake", "fake-1", frozenset({"text"})

        def __init__(self) -> None:
            self.dim = dim

        def check(self) -> None:
            """Nothing is needed."""

        def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
            seeds = np.array([hash_of(text) for text in texts], dtype=np.float64)
            return np.sin(seeds[:, None] * np.arange(1, dim + 1)).astype(np.float32)

    return Fake()


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode()[:14]) % 100_003


def child(options: argparse.Namespace) -> None:
    """One way, in this process; prints what it needed as JSON."""
    import torch
    from hydra import compose, initialize_config_dir

    from emo3d_exp import data as data_package
    from emo3d_exp.app.assemble import build_model
    from emo3d_exp.app.data import load_data
    from emo3d_exp.app.fit import build_trainer
    from emo3d_exp.app.fitting import stage
    from emo3d_exp.app.quiet import quiet_libraries
    from emo3d_exp.runs import RunFolder

    quiet_libraries()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    data_package.TensorBatches = partial(data_package.TensorBatches, gather_bytes=0)
    watch, found = Watch(), {}
    overrides = [
        "model=lm_mlp", "data=table", f"data.path={options.table}", "patience=null", "trainer.max_epochs=1",
        f"data.streaming={str(options.way.startswith('mapped')).lower()}", "batch_size=1024",
    ]  # fmt: skip
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", overrides)
    with tempfile.TemporaryDirectory() as folder:
        trainer, _ = build_trainer(cfg, RunFolder(Path(folder)), "val/mse", [], quiet=True)
        model = build_model(cfg, options.dim)
        clock = time.perf_counter()

        def lap(name: str) -> None:
            nonlocal clock
            found[f"{name}_s"] = round(time.perf_counter() - clock, 2)
            found[f"{name}_peak"] = watch.peak
            clock = time.perf_counter()

        if options.way != "imports":
            data = load_data(cfg)
            data.facts()
            lap("load")
            train, val = (stage(data, part, fake_encoder(options.dim), cfg) for part in ("train", "val"))
            del data
            lap("stage")
            trainer.fit(model, train, val)
            lap("epoch")
            found["error"] = float(trainer.callback_metrics["val/mse"])
            found["held"] = status("RssAnon")
    time.sleep(0.05)
    print(json.dumps({**found, "anonymous": watch.peak, "rss": peak_rss()}))


def measure(way: str, table: Path, cache: Path, dim: int) -> dict[str, Any]:
    """One way in a process of its own."""
    command = [sys.executable, __file__, f"--way={way}", f"--table={table}", f"--dim={dim}"]
    environment = {**os.environ, "EMO3D_CACHE": str(cache)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def per_sample(found: dict[str, dict[str, Any]], way: str, key: str) -> float:
    """Bytes that a sample more costs."""
    (few, first), (many, second) = ((int(size), ways[way][key]) for size, ways in found.items())
    return (second - first) * 2**20 / (many - few)


def main() -> int:
    """Measure, print tables, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", default="150000,600000", help="two sizes")
    parser.add_argument("--ways", default=",".join(WAYS[1:]))
    parser.add_argument("--dim", type=int, default=64, help="width of the embeddings")
    parser.add_argument("--folder", type=Path, help="where tables and caches are put for the time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--table", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        child(options)
        return 0
    found: dict[str, dict[str, Any]] = {}
    for size in options.samples.split(","):
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            write_table(folder / "table", int(size))
            found[size] = {}
            print(f"{int(size):,} samples, width {options.dim}; MiB and seconds")
            for way in ("imports", *options.ways.split(",")):
                cache = folder / way.split()[0]
                needed = found[size][way] = measure(way, folder / "table", cache, options.dim)
                print(
                    f"  {way:<14}" + "  ".join(f"{key} {value:.6g}" for key, value in needed.items()),
                    flush=True,
                )
    base = min(ways["imports"]["anonymous"] for ways in found.values())
    expected = {}
    for way in options.ways.split(","):
        costs = {key: per_sample(found, way, key) for key in ("anonymous", "held", "rss")}
        expected[way] = base / 1024 + costs["anonymous"] * MANY / 2**30
        print(
            f"{way:<14}bytes a sample: " + ", ".join(f"{key} {cost:.0f}" for key, cost in costs.items())
            + f"; anonymous at {MANY:,}: {expected[way]:.1f} GiB"
        )  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps({"found": found, "expected_GiB": expected}, indent=2) + "\n")
    return int(max(size for way, size in expected.items() if way.startswith("mapped")) > LIMIT_GIB)


if __name__ == "__main__":
    sys.exit(main())
