"""Short names of run folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def distinct_names(folders: Sequence[Path], taken: Sequence[str] = ()) -> list[str]:
    """For each folder the shortest end of its path that no other has: runs of two sweeps are all called 0.

    Args:
        folders: all different. taken: names that no folder gets.
    """
    parts = [folder.absolute().parts for folder in folders]
    names = []
    for own in parts:
        ends = ["/".join(own[-length:]) for length in range(1, len(own) + 1)]
        others = {"/".join(p[-length:]) for p in parts if p != own for length in range(1, len(p) + 1)}
        names.append(next((end for end in ends if end not in others and end not in taken), ends[-1]))
    return names
