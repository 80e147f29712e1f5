"""The search for near copies among as many texts as the paper's data set has, and more.

The texts are synthetic: chains of words in which every pair of neighbours stands somewhere in the sentences
of data=mini, so that words are as frequent, and phrases as often shared, as in texts of one manner; every
twentieth is an earlier one with one or two words changed. Beside it the simplest way, all pairs compared,
where that can be waited for. Each line is a process of its own, and CPU time is what it took, without the
making of the texts.

    python benchmarks/near_copies.py
    python benchmarks/near_copies.py --texts 60000 --slow 2000 --json near_copies.json
    python benchmarks/near_copies.py --texts 4000 60000 --alike 0.5

With ``--alike`` that share of the texts is one sentence with one word changed, as a weak language model
writes; nearly all their pairs are near copies, so that they are not listed: only what a build asks of the
search is measured, the groups of near copies (``groups``) and the texts that have none before them
(``copies``).

MiB is the highest resident memory of the process, and in brackets what it held before the search. Ends with
status 1 if the two ways do not find the same pairs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
THRESHOLD = 0.6
COPIES_EVERY = 20


def some_texts(count: int, alike: float = 0.0, seed: int = 0) -> list[str]:
    """Synthetic texts of about 12 to 36 words, of which a share is one of 18 words with one changed."""
    rng = np.random.default_rng(seed)
    followers = _followers()
    sentence = " ".join(f"same{number}" for number in range(18))
    texts: list[str] = []
    while len(texts) < count:
        if alike and rng.random() < alike:
            texts.append(_changed(sentence, rng, 1))
        elif texts and len(texts) % COPIES_EVERY == 0:
            texts.append(_changed(texts[rng.integers(len(texts))], rng))
        else:
            texts.append(" ".join(_chain(followers, rng)))
    return texts


def _followers() -> dict[str, list[str]]:
    from emo3d_exp.dataset_builder.texts import bank_texts

    followers: dict[str, list[str]] = defaultdict(list)
    for each in bank_texts():
        listed = each.text.split()
        for one, other in zip(["", *listed], listed, strict=False):
            followers[one].append(other)
    return followers


def _chain(followers: dict[str, list[str]], rng: np.random.Generator) -> list[str]:
    length, chain = int(rng.integers(12, 37)), [""]
    while len(chain) <= length:
        next_ones = followers.get(chain[-1]) or followers[""]
        chain.append(next_ones[rng.integers(len(next_ones))])
    return chain[1:]


def _changed(text: str, rng: np.random.Generator, most: int = 2) -> str:
    words = text.split()
    for place in rng.integers(len(words), size=rng.integers(1, most + 1)):
        words[place] = f"changed{rng.integers(1000)}"
    return " ".join(words)


def ours(texts: Sequence[str]) -> np.ndarray:
    """The package's search."""
    from emo3d_exp.data import near_copy_pairs

    return near_copy_pairs(texts, THRESHOLD)


def all_pairs(texts: Sequence[str]) -> np.ndarray:
    """Every pair compared."""
    from emo3d_exp.data.near_copies import content_words, jaccard, words

    views = [(words(text), content_words(text)) for text in texts]
    found = [
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if any(jaccard(a, b) >= THRESHOLD for a, b in zip(views[one], views[other], strict=True))
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def groups(texts: Sequence[str]) -> np.ndarray:
    """Every text that is not the first of its group, with the first."""
    from emo3d_exp.data import near_copy_groups

    firsts = near_copy_groups(texts, THRESHOLD)
    later = np.flatnonzero(firsts != np.arange(len(texts)))
    return np.stack([firsts[later], later], axis=1)


def copies(texts: Sequence[str]) -> np.ndarray:
    """The texts that are set aside before anything is paid for."""
    from emo3d_exp.dataset_builder import SetAsideCopies

    rows = SetAsideCopies().process([{"sample_id": row, "texts": [text]} for row, text in enumerate(texts)])
    return np.array([row["sample_id"] for row in rows if row["set_aside"]], dtype=np.int64)


WAYS: dict[str, Callable[[Sequence[str]], np.ndarray]] = {
    "ours": ours,
    "all pairs": all_pairs,
    "groups": groups,
    "copies": copies,
}


def measure(way: str, count: int, alike: float) -> dict[str, Any]:
    """CPU seconds, memory, and pairs or copies found, of one way, in this process."""
    texts = some_texts(count, alike)
    before, started = _peak_mib(), time.process_time()
    pairs = WAYS[way](texts)
    seconds = time.process_time() - started
    digest = hashlib.sha256(pairs.tobytes()).hexdigest()
    measured = {"seconds": seconds, "mib": _peak_mib(), "before": before, "hash": digest}
    return {"way": way, "texts": count, "pairs": len(pairs), **measured}


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def apart(way: str, count: int, alike: float = 0.0) -> dict[str, Any]:
    """``measure`` in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--texts", str(count), "--alike", str(alike)]
    line = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(
        f"{line['way']:<10} {count:>8,} texts {line['pairs']:>9,} found {line['seconds']:>8.1f} CPU s "
        f"{line['mib']:>6.0f} MiB ({line['before']:.0f})",
        flush=True,
    )
    return line


def main() -> int:
    parser = argparse.ArgumentParser(description="The search for near copies.")
    parser.add_argument("--texts", type=int, nargs="+", default=[60_000, 150_000])
    parser.add_argument("--slow", type=int, default=4000, help="texts of which all pairs are compared")
    parser.add_argument("--alike", type=float, default=0.0, help="share of texts that are alike")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options.way, options.texts[0], options.alike)))
        return 0
    slow, fast = apart("all pairs", options.slow, options.alike), apart("ours", options.slow, options.alike)
    print(f"all pairs take {slow['seconds'] / fast['seconds']:.0f} times as long")
    ways = ("groups", "copies") if options.alike else ("ours", "groups", "copies")
    lines = [slow, fast, *(apart(way, count, options.alike) for count in options.texts for way in ways)]
    if options.json:
        options.json.write_text(json.dumps(lines, indent=2), encoding="utf-8")
    return int(slow["hash"] != fast["hash"])


if __name__ == "__main__":
    sys.exit(main())
