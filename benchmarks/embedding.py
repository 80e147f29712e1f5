"""Embedding a data set through the cache against one input at a time.

The released notebooks encode the text and the image of every pair, one at a time, although pairs share
them. Here the same texts and images go through both ways, with CLIP's ViT-B/32 architecture and random
weights: the numbers differ from trained ones, the work does not. The default mix is that of the published
data: per distinct text 2502 / 479 text encodes, per distinct image 150,000 / 90,000.

    python benchmarks/embedding.py
    python benchmarks/embedding.py --texts 40 --threads 2

With ``--offline`` the models are the packaged ones, MiniLM for short texts and FaceCLIP's tower for pictures
of its own size, and every text and picture stands once, so that batching alone makes the difference. The slow
way is then measured on a sample of each and scaled to all.

    python benchmarks/embedding.py --offline --texts 20000 --images 2000 --batch-size 64

Ends with status 1 if batching gains less than 3 times, or a warm cache less than 100 times.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ARCHITECTURE = "ViT-B-32-quickgelu"
PAIRS_A_TEXT = 2502 / 479
PAIRS_AN_IMAGE = 150_000 / 90_000
NEEDED_COLD = 3.0
NEEDED_WARM = 100.0
SUBJECTS = ("A young woman", "An old man", "A tired nurse", "The child", "My neighbour", "A tall stranger")
FACES = ("smiles faintly", "stares with wide eyes", "presses the lips together", "raises one brow in doubt")


def save_random_clip(folder: Path) -> None:
    """The architecture with random weights, laid out as open_clip's checkpoints are."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    logging.getLogger().setLevel(logging.ERROR)  # open_clip warns that the weights are random
    torch.manual_seed(0)
    model = open_clip.create_model(ARCHITECTURE)
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    description = {"model_cfg": open_clip.get_model_config(ARCHITECTURE), "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(description))


@dataclass
class Work:
    """What is embedded, in what order, and how it is done one at a time."""

    texts: list[str]
    images: np.ndarray
    text_row: np.ndarray
    image_row: np.ndarray
    text_encoder: Any
    image_encoder: Any
    slow_text: Callable[[str], np.ndarray]
    slow_image: Callable[[np.ndarray], np.ndarray]

    def through(self, folder: Path) -> tuple[np.ndarray, np.ndarray]:
        """All of them through a cache."""
        from emo3d_exp.backbones import EmbeddingCache

        cache = EmbeddingCache(folder, progress=False)
        texts, keys = [self.texts[i] for i in self.text_row], [f"image {i}" for i in self.image_row]
        image = cache.images(self.image_encoder, keys, lambda i: self.images[self.image_row[i]])
        return cache.texts(self.text_encoder, texts), image


def written(count: int) -> list[str]:
    """Distinct short texts."""
    return [f"{SUBJECTS[i % 6]} {FACES[i // 6 % 4]}, scene {i} of the story." for i in range(count)]


def random_clip(options: argparse.Namespace, folder: Path) -> Work:
    """ViT-B/32 on pairs that share texts and images as the published ones do."""
    import torch

    from emo3d_exp.backbones import OpenCLIPEncoder

    save_random_clip(folder)
    encoder = OpenCLIPEncoder(
        "random_clip", None, str(folder), normalize=False, batch_size=options.batch_size, device="cpu"
    )
    towers = encoder.towers  # loading is not what we measure

    def slow_text(text: str) -> np.ndarray:
        with torch.inference_mode():
            return towers.model.encode_text(towers.tokenize([text]))[0].numpy()

    def slow_image(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return towers.model.encode_image(towers.pixels([image]))[0].numpy()

    rng = np.random.default_rng(options.seed)
    rows = np.arange(round(options.texts * PAIRS_A_TEXT))
    images = options.images or round(len(rows) / PAIRS_AN_IMAGE)
    pixels = rng.integers(0, 256, (images, 224, 224, 3), dtype=np.uint8)
    text_row, image_row = rng.permutation(rows % options.texts), rng.permutation(rows % images)
    return Work(written(options.texts), pixels, text_row, image_row, encoder, encoder, slow_text, slow_image)


def offline_models(options: argparse.Namespace, folder: Path) -> Work:
    """The packaged models; every text and picture once."""
    from emo3d_exp.backbones import OpenCLIPEncoder, TransformersEncoder
    from emo3d_exp.backbones.weights import MINILM

    text = TransformersEncoder("minilm", MINILM, batch_size=options.batch_size, device="cpu")
    image = OpenCLIPEncoder("face_clip", "face_clip", "packaged", batch_size=options.batch_size, device="cpu")
    text.encode_texts(["a smile"]), image.towers  # loading is not what we measure
    rng = np.random.default_rng(options.seed)
    pixels = rng.integers(0, 256, (options.images or 200, 112, 112, 3), dtype=np.uint8)
    rows = rng.permutation(options.texts), rng.permutation(len(pixels))
    return Work(
        written(options.texts),
        pixels,
        *rows,
        text,
        image,
        lambda each: text.encode_texts([each])[0],
        lambda each: image.encode_images([each])[0],
    )


def cpu_seconds(act: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time of one call, which other programs on the machine disturb least, and its answer."""
    start = time.process_time()
    answer = act()
    return time.process_time() - start, answer


def measure(work: Work, sample: int | None, folder: Path) -> dict[str, float]:
    """CPU seconds of the three ways over the same inputs, after checking that they give the same rows."""
    some = work.text_row[:sample], work.image_row[:sample]
    texts, slow_text = cpu_seconds(lambda: [work.slow_text(work.texts[i]) for i in some[0]])
    images, slow_image = cpu_seconds(lambda: [work.slow_image(work.images[i]) for i in some[1]])
    single = texts * len(work.text_row) / len(some[0]) + images * len(work.image_row) / len(some[1])
    cold, fast = cpu_seconds(lambda: work.through(folder / "cache"))
    warm = min(cpu_seconds(lambda: work.through(folder / "cache"))[0] for _ in range(5))
    for ours, theirs in zip(fast, (slow_text, slow_image), strict=True):
        np.testing.assert_allclose(ours[: len(theirs)], np.stack(theirs), rtol=1e-3, atol=1e-4)
    return {"one at a time": single, "batched, each once": cold, "warm cache": warm}


def report(times: dict[str, float], work: Work, options: argparse.Namespace) -> bool:
    """Print the table; True if both ratios are reached."""
    inputs = len(work.text_row) + len(work.image_row)
    print(
        f"{len(work.text_row)} encodes of {len(work.texts)} distinct texts ({work.text_encoder.name}), "
        f"{len(work.image_row)} of {len(work.images)} distinct images ({work.image_encoder.name})"
    )
    if options.sample:
        print(f"one at a time was measured on {options.sample} of each and scaled")
    print(f"{'':20}{'CPU s':>10}{'ms an input':>13}{'times as fast':>15}")
    base = times["one at a time"]
    for way, spent in times.items():
        print(f"{way:20}{spent:10.4f}{1000 * spent / inputs:13.3f}{base / spent:15.1f}")
    cold, warm = base / times["batched, each once"], base / times["warm cache"]
    print(f"needed: {NEEDED_COLD:g} cold (found {cold:.1f}), {NEEDED_WARM:g} warm (found {warm:.0f})")
    return cold >= NEEDED_COLD and warm >= NEEDED_WARM


def main() -> int:
    """Measure in a temporary folder and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--offline", action="store_true", help="MiniLM and FaceCLIP, every input once")
    parser.add_argument("--texts", type=int, default=24, help="distinct texts (default 24: about a minute)")
    parser.add_argument(
        "--images", type=int, help="distinct images (default: as many as published for the texts)"
    )
    parser.add_argument(
        "--sample", type=int, help="measure one at a time on so many (default: all; offline: 400)"
    )
    parser.add_argument("--batch-size", type=int, default=16, help="inputs encoded at once (default 16)")
    parser.add_argument("--threads", type=int, default=1, help="torch threads (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the pairs (default 0)")
    options = parser.parse_args()
    if options.offline and options.sample is None:
        options.sample = 400
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import torch

    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        os.environ["EMO3D_CACHE"] = name  # hashes of a temporary file are not worth remembering
        make = offline_models if options.offline else random_clip
        work = make(options, Path(name))
        times = measure(work, options.sample, Path(name))
    return 0 if report(times, work, options) else 1


if __name__ == "__main__":
    sys.exit(main())
