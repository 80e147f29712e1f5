"""Scoring 2,000 predictions against the loop that one would write first, and a search in 100,000 prompts.

Ours draws light faces on several threads and encodes pictures in batches; the loop draws, encodes and looks
up one face after the other, with one and with several torch threads, of which the faster counts. Both have
the same judge, bank, size and look. The loop draws in full detail, as a renderer does unless it is told
otherwise, and in the light one too, which shows what drawing fewer triangles is worth and what the rest. It
is measured on some of the faces and scaled. The mean Emo3D values stand beside the seconds. Faces come from
the FACS prior.

Hours for 150,000 are computed: so many times the seconds of a face, and the recall among all texts, whose
work grows with the square, from its seconds for 8,000.

The search runs in a process of its own, whose highest resident memory is given, over random features.

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --predictions 500 --looks 4 --json evaluation.json

Ends with status 1 if ours, with one look, is less than 4 times as fast as the loop in full detail, or the
search needs 1 GiB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from emo3d_exp.metrics import emo3d_from_kl, kl_divergence, nearest_prompts
from emo3d_exp.records import Prompts
from emo3d_exp.vocab import EMOTIONS, to_distribution

PAPER = 150_000
BANK, K, EPS = 400, 10, 1e-3
PROMPTS, WIDTH = 100_000, 512
RATIO, GIB = 4.0, 1024.0


def made_prompts(count: int, first_id: int, rng: np.random.Generator) -> Prompts:
    """Prompts with one or two emotions and faces from the prior; every text is distinct."""
    from emo3d_exp.faces import FACSPrior

    emotions = np.zeros((count, len(EMOTIONS)), dtype=np.float32)
    rows = np.arange(count)
    emotions[rows, rng.integers(0, 8, count)] = 0.3 * rng.random(count)
    emotions[rows, rows % 8] = 0.5 + 0.5 * rng.random(count)
    text = tuple(
        f"Face {first_id + row}: "
        + ", ".join(f"{name} {v:.2f}" for name, v in zip(EMOTIONS, vector, strict=True) if v)
        for row, vector in enumerate(emotions)
    )
    faces = FACSPrior().sample(emotions, rng)
    return Prompts(first_id + rows, np.ones(count, np.int64), text, emotions, faces)


def ours(prompts: Prompts, others: Prompts, looks: int, threads: int) -> tuple[float, float]:
    """Seconds to judge all faces with nothing cached but the texts, and their mean Emo3D."""
    from emo3d_exp.backbones import EmbeddingCache
    from emo3d_exp.evaluation import BankSettings, Evaluator, LookSettings
    from emo3d_exp.faces import Renderer, load_rig

    rig = load_rig("builtin")
    with tempfile.TemporaryDirectory() as folder:
        cache = EmbeddingCache(Path(folder), progress=False)
        evaluator = Evaluator(
            rig, Renderer(rig, detail="light"), judge(), cache, k=K, eps=EPS, bank=BankSettings(size=BANK),
            looks=LookSettings(count=looks), threads=threads,
        )  # fmt: skip
        bank = evaluator.select_bank(others)
        cache.texts(evaluator.judge, [*prompts.text, *bank.text])
        evaluator.renderer.render(prompts.blendshapes[:1])
        started = time.perf_counter()
        values = evaluator.judging().values({"prediction": prompts.blendshapes}, prompts, bank)
        return time.perf_counter() - started, float(values["prediction"]["emo3d"].mean())


def fastest_loop(
    prompts: Prompts, others: Prompts, count: int, detail: str, threads: int
) -> tuple[float, float]:
    """:func:`plain_loop` with one or with all torch threads, whichever is faster; then all threads again."""
    import torch

    found = []
    for used in {1, threads}:
        torch.set_num_threads(used)
        found.append(plain_loop(prompts, others, count, detail))
    torch.set_num_threads(threads)
    return min(found)


def plain_loop(prompts: Prompts, others: Prompts, count: int, detail: str) -> tuple[float, float]:
    """Seconds for ``count`` faces, one after the other, and their mean Emo3D."""
    from emo3d_exp.evaluation import select_bank
    from emo3d_exp.faces import Renderer, load_rig

    renderer, encoder = Renderer(load_rig("builtin"), detail=detail), judge()
    bank = select_bank(others, BANK)
    among = encoder.encode_texts(list(bank.text))
    among /= np.linalg.norm(among, axis=1, keepdims=True)
    known = to_distribution(bank.emotions)
    renderer.render(prompts.blendshapes[:1])
    values = []
    started = time.perf_counter()
    for row in range(count):
        picture = renderer.render(prompts.blendshapes[row])[0]
        feature = encoder.encode_images([picture])[0]
        near = np.argsort(-(among @ feature))[:K]
        asked = to_distribution(prompts.emotions[row])
        values.append(float(emo3d_from_kl(kl_divergence(asked, known[near].mean(axis=0), EPS))))
    return time.perf_counter() - started, float(np.mean(values))


def judge():
    """The packaged FaceCLIP."""
    from emo3d_exp.backbones import OpenCLIPEncoder

    return OpenCLIPEncoder("face_clip", "face_clip", "packaged")


def search(prompts: int, queries: int) -> dict[str, float]:
    """Seconds and highest memory in MiB of an exact search among random features, in this process."""
    rng = np.random.default_rng(0)
    bank = rng.standard_normal((prompts, WIDTH), np.float32)
    asked = rng.standard_normal((queries, WIDTH), np.float32)
    started = time.perf_counter()
    found = nearest_prompts(asked, bank, K)
    seconds = time.perf_counter() - started
    slow = np.argsort(-(bank @ asked[0]) / np.linalg.norm(bank, axis=1))[:K]
    assert found[0].tolist() == slow.tolist(), "the search is not exact"
    return {"seconds": seconds, "mib": highest_memory()}


def recall_seconds(count: int) -> float:
    """To rank the own text of so many faces among all of their texts, once, by random features."""
    from emo3d_exp.metrics import own_ranks

    rng = np.random.default_rng(0)
    faces, texts = rng.standard_normal((2, count, 256), np.float32)
    started = time.perf_counter()
    own_ranks(faces, texts)
    return time.perf_counter() - started


def highest_memory() -> float:
    """Highest resident memory of this process in MiB (getrusage counts that of its parent too)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    return int(line.split()[1]) / 1024


def search_apart(queries: int) -> dict[str, float]:
    """:func:`search` in a fresh process."""
    command = [sys.executable, __file__, "--search", str(queries)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--predictions", type=int, default=2000)
    parser.add_argument("--looks", type=int, default=4, help="of the second row")
    parser.add_argument("--threads", type=int, default=2, help="of torch and of drawing")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--search", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.search:
        print(json.dumps(search(PROMPTS, options.search)))
        return
    import torch

    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    prompts, others = made_prompts(options.predictions, 0, rng), made_prompts(2 * BANK, 10**6, rng)
    part = min(300, options.predictions)
    found = {}
    for detail in ("full", "light"):
        seconds, value = fastest_loop(prompts, others, part, detail, options.threads)
        found[f"loop, {detail} detail"] = (seconds / part, value, 1)
    for looks in (1, options.looks):
        seconds, value = ours(prompts, others, looks, options.threads)
        found[f"ours, {looks} look{'s' * (looks > 1)}"] = (seconds / options.predictions, value, looks)
    count, recall = options.predictions, recall_seconds(8000)
    print(f"{'':<20}{f's for {count}':>12}{'faces a second':>16}{'h for 150,000':>15}{'Emo3D':>8}")
    for name, (each, value, looks) in found.items():
        hours = (each * PAPER + looks * recall * (PAPER / 8000) ** 2) / 3600
        print(f"{name:<20}{each * count:>12.1f}{1 / each:>16.0f}{hours:>15.2f}{value:>8.3f}")
    full, light, one = (
        found[name][0] for name in ("loop, full detail", "loop, light detail", "ours, 1 look")
    )
    print(f"one look is {full / one:.1f} times as fast as the loop, {light / one:.1f} times in light detail")
    looked_up = search_apart(options.predictions)
    print(
        f"{options.predictions} faces among {PROMPTS} prompts, {WIDTH} wide: {looked_up['seconds']:.1f} s, "
        f"highest memory {looked_up['mib']:.0f} MiB"
    )
    ratio = full / one
    if options.json:
        figures = {"seconds_each": found, "ratio": ratio, "ratio_light": light / one}
        figures |= {"recall_8000": recall, "search": looked_up}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    sys.exit(ratio < RATIO or looked_up["mib"] > GIB)


if __name__ == "__main__":
    main()
