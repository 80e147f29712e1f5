"""36 samples in the published layout, whose faces follow from the text."""

from __future__ import annotations

import sys
from pathlib import Path

from commands import ROOT

sys.path.append(str(ROOT / "tests" / "data"))
from published import row, write_csv

TEXTS = ("a wide grin", "he scowls with rage", "tears run down her face", "calm, nothing moves")


def faces_table(folder: Path) -> Path:
    """Write them, and give the folder."""
    rows = [
        row(n, text_1=f"{TEXTS[n % 4]}, {n} times", text_2=None, text_3=None,
            blenshape_score_1=str([round(0.2 * (n % 4) + 0.001 * k, 3) for k in range(52)]).replace(",", ""),
            **{f"blenshape_score_{k}": None for k in (2, 3, 4)}, **{f"img_{k}": None for k in (1, 2, 3, 4)})
        for n in range(36)
    ]  # fmt: skip
    write_csv(folder, rows[:20], rows[20:28], rows[28:])
    return folder
