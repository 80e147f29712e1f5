"""Embedding a data set through the cache against one input at a time.

The released notebooks encode the text and the image of every pair, one at a time, although pairs share
them. Here the same texts and images go through both ways, with CLIP's ViT-B/32 architecture and random
weights: the numbers differ from trained ones, the work does not. The default mix is that of the published
data: per distinct text 2502 / 479 text encodes, per distinct image 150,000 / 90,000.

    python benchmarks/embedding.py
    python benchmarks/embedding.py --texts 40 --threads 2

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
from pathlib import Path

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


def pairs(texts: int, seed: int) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Distinct texts and images (uint8), and for every pair the row of its text and of its image."""
    rng = np.random.default_rng(seed)
    count = round(texts * PAIRS_A_TEXT)
    written = [f"{SUBJECTS[i % 6]} {FACES[i // 6 % 4]}, scene {i} of the story." for i in range(texts)]
    images = rng.integers(0, 256, (round(count / PAIRS_AN_IMAGE), 224, 224, 3), dtype=np.uint8)
    text_row, image_row = np.arange(count) % texts, np.arange(count) % len(images)
    return written, images, rng.permutation(text_row), rng.permutation(image_row)


def cpu_seconds(
    act: Callable[[], tuple[np.ndarray, np.ndarray]],
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """CPU time of one call, which other programs on the machine disturb least, and its answer."""
    start = time.process_time()
    answer = act()
    return time.process_time() - start, answer


def measure(texts: int, batch_size: int, seed: int, folder: Path) -> dict[str, float]:
    """CPU seconds of the three ways over the same pairs, after checking that they give the same rows."""
    import torch

    from emo3d_exp.backbones import EmbeddingCache, OpenCLIPEncoder

    written, images, text_row, image_row = pairs(texts, seed)
    all_texts, keys = [written[i] for i in text_row], [f"image {i}" for i in image_row]
    encoder = OpenCLIPEncoder(
        "random_clip", None, str(folder), normalize=False, batch_size=batch_size, device="cpu"
    )
    towers = encoder.towers  # loading is not what we measure
    model = towers.model

    def one_at_a_time() -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            text = [model.encode_text(towers.tokenize([written[i]]))[0].numpy() for i in text_row]
            image = [model.encode_image(towers.pixels([images[i]]))[0].numpy() for i in image_row]
        return np.stack(text), np.stack(image)

    def through_the_cache() -> tuple[np.ndarray, np.ndarray]:
        cache = EmbeddingCache(folder / "cache", progress=False)
        return cache.texts(encoder, all_texts), cache.images(encoder, keys, lambda i: images[image_row[i]])

    single, slow = cpu_seconds(one_at_a_time)
    cold, fast = cpu_seconds(through_the_cache)
    warm = min(cpu_seconds(through_the_cache)[0] for _ in range(5))
    for ours, theirs in zip(fast, slow, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    return {"one at a time": single, "batched, each once": cold, "warm cache": warm}


def report(times: dict[str, float], texts: int) -> bool:
    """Print the table; True if both ratios are reached."""
    count = round(texts * PAIRS_A_TEXT)
    images = round(count / PAIRS_AN_IMAGE)
    print(f"{count} pairs of {texts} distinct texts and {images} distinct images, {ARCHITECTURE}")
    print(f"{'':20}{'CPU s':>10}{'ms a pair':>12}{'times as fast':>15}")
    base = times["one at a time"]
    for way, spent in times.items():
        print(f"{way:20}{spent:10.4f}{1000 * spent / count:12.3f}{base / spent:15.1f}")
    cold, warm = base / times["batched, each once"], base / times["warm cache"]
    print(f"needed: {NEEDED_COLD:g} cold (found {cold:.1f}), {NEEDED_WARM:g} warm (found {warm:.0f})")
    return cold >= NEEDED_COLD and warm >= NEEDED_WARM


def main() -> int:
    """Measure in a temporary folder and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=24, help="distinct texts (default 24: about a minute)")
    parser.add_argument("--batch-size", type=int, default=16, help="inputs encoded at once (default 16)")
    parser.add_argument("--threads", type=int, default=1, help="torch threads (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the pairs (default 0)")
    chosen = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import torch

    torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as name:
        os.environ["EMO3D_CACHE"] = name  # hashes of a temporary file are not worth remembering
        save_random_clip(Path(name))
        times = measure(chosen.texts, chosen.batch_size, chosen.seed, Path(name))
    return 0 if report(times, chosen.texts) else 1


if __name__ == "__main__":
    sys.exit(main())
