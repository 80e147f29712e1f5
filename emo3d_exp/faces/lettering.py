"""Text on pictures: DejaVu Sans, which comes with matplotlib and knows most alphabets."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

INK = (40, 40, 40)
PAPER = 255
LINE = 1.3
"""Distance between lines, in heights of the letters."""


def lettered(text: str, width: int, lines: int, points: int, bold: bool = False) -> np.ndarray:
    """Text wrapped into ``lines`` lines at most and cut with an ellipsis if it is longer.

    Returns:
        ``(height, width, 3)`` uint8 RGB, dark on white; the height is always that of all lines.
    """
    from PIL import Image, ImageDraw

    font = _font(points, bold)
    step, edge = round(LINE * points), max(3, points // 3)
    page = Image.new("RGB", (width, lines * step + edge), (PAPER,) * 3)
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(wrap(text, width - 2 * edge, lines, points, bold)):
        draw.text((edge, edge // 2 + number * step), line, INK, font)
    return np.asarray(page)


def wrap(text: str, width: int, lines: int, points: int, bold: bool = False) -> list[str]:
    """Break text into at most ``lines`` lines that fit ``width`` pixels; words that do not fit are broken."""
    font, broken, line = _font(points, bold), [], ""
    words = text.split()
    while words and len(broken) < lines:
        longer = f"{line} {words[0]}".strip()
        if font.getlength(longer) <= width:
            line = longer
            words.pop(0)
        elif line:
            broken.append(line)
            line = ""
        else:
            head = _fitting(words[0], width, font)
            broken.append(head)
            words[0] = words[0][len(head) :]
    if len(broken) < lines and line:
        return [*broken, line]
    if words or line:
        broken[-1] = _fitting(broken[-1], width - font.getlength("…"), font).rstrip() + "…"
    return broken


def _fitting(text: str, width: float, font: FreeTypeFont) -> str:
    """The longest beginning, of one character at least, that is no wider."""
    count = len(text)
    while count > 1 and font.getlength(text[:count]) > width:
        count -= 1
    return text[:count]


@lru_cache(maxsize=16)
def _font(points: int, bold: bool) -> FreeTypeFont:
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' if bold else ''}.ttf", points)
