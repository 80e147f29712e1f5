"""What the published data set is known to hold, against what was found.

Its authors give no table of exact counts. What they give are round numbers in the paper (arXiv 2410.02049,
section 3: 60,000 texts, 90,000 images, counted with those of the primitive emotions, which are a table of
their own), the shares of the three files, to a tenth of a percent, and the archives on the hub. So totals are
checked within a margin, which a data set of another size fails; the shares are sharp: a file that is cut by
2 % moves them, and so does a table of other samples; and a table that is cut at its end no longer names all
archives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from emo3d_exp.data.hub import PARTS
from emo3d_exp.data.table import Row
from emo3d_exp.errors import DataError

PAPER, FILES, HUB = "paper, rounded", "sizes of the three files", "files on the hub"
CHECK, TELL = "check", "tell"


@dataclass(frozen=True)
class Expected:
    """A count that lies in [low, high]. source: who says so."""

    name: str
    low: float
    high: float
    source: str
    unit: str = ""

    def holds(self, found: float) -> bool:
        """Whether a count is as expected."""
        return self.low <= found <= self.high

    def told(self) -> str:
        """The bounds in words."""
        if self.low == self.high:
            return f"{self.low:,g}{self.unit}"
        return f"{self.low:,g} … {self.high:,g}{self.unit}"


TOTALS = (
    Expected("texts", 50_000, 70_000, PAPER),
    Expected("samples", 50_000 / 3, 70_000, PAPER),
    Expected("pictures_named", 60_000, 100_000, PAPER),
)
SHARES = tuple(
    Expected(f"share of {part}", share - 0.1, share + 0.1, FILES, " %")
    for part, share in (("train", 79.9), ("val", 10.0), ("test", 10.2))
)
ARCHIVES = Expected("archives named", len(PARTS), len(PARTS), HUB)
UNKNOWN_ARCHIVES = Expected("other archives named", 0, 0, HUB)


def count_table(rows: Sequence[Row]) -> dict[str, Any]:
    """Samples by split and prompt type, texts, faces, pictures named by archive and in all."""
    faces = [face for row in rows for face in row.faces]
    archives = Counter(PurePosixPath(name).parts[0] for _, name, _ in faces if name is not None)
    return {
        "samples": dict(sorted(Counter(row.split or "without split" for row in rows).items())),
        "prompt_types": dict(sorted(Counter(row.prompt_type or "none" for row in rows).items())),
        "texts": sum(len(row.texts) for row in rows),
        "faces": len(faces),
        "faces_with_scores": sum(scores is not None for _, _, scores in faces),
        "pictures_named": sum(archives.values()),
        "pictures_by_archive": dict(sorted(archives.items())),
    }


def compared(counts: dict[str, Any]) -> list[tuple[Expected, float]]:
    """Every expectation with what was found; shares of a table without split are left out."""
    samples, named = counts["samples"], set(counts["pictures_by_archive"])
    total = sum(samples.values())
    found = [
        (TOTALS[0], float(counts["texts"])),
        (TOTALS[1], float(total)),
        (TOTALS[2], float(counts["pictures_named"])),
    ]
    if "without split" not in samples:
        found += [
            (each, round(100 * samples.get(each.name.split()[-1], 0) / max(total, 1), 3)) for each in SHARES
        ]
    return [
        *found,
        (ARCHIVES, float(len(named & set(PARTS)))),
        (UNKNOWN_ARCHIVES, float(len(named - set(PARTS)))),
    ]


def refuse_unexpected(counts: dict[str, Any], where: str) -> None:
    """Raise DataError, with a table of expected and found counts, where one is not as expected."""
    found = compared(counts)
    wrong = [each.name for each, value in found if not each.holds(value)]
    if not wrong:
        return
    lines = [("", "expected", "found", "by")]
    for each, value in found:
        mark = "" if each.holds(value) else "✗ "
        lines.append((f"{mark}{each.name}", each.told(), f"{value:,g}{each.unit}", each.source))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    table = "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    raise DataError(
        f"{where} is not the published data set as it is known, or not all of it ({', '.join(wrong)}):\n"
        f"{table}\nFetch its files again, or take the table as it is with emo3d.counts=tell"
    )
