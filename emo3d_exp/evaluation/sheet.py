"""A picture of text, true face and predicted face, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

TEXT_WIDTH, PADDING, HEADING = 340, 12, 30
INK, FAINT, PAPER = (30, 30, 30), (120, 120, 120), (255, 255, 255)


def draw_sheet(texts: list[str], notes: list[str], truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Rows of text | ground truth | prediction, under a heading.

    Args:
        texts: N prompts, wrapped. notes: N lines below them. truth, predicted: (N, H, W, 3) uint8 RGB.

    Returns:
        (30 + N * H, 340 + 2 * W, 3) uint8 RGB.
    """
    from PIL import Image, ImageDraw

    count, height, width = truth.shape[:3]
    page = Image.new("RGB", (TEXT_WIDTH + 2 * width, HEADING + count * height), PAPER)
    draw, font, small = ImageDraw.Draw(page), _font(15), _font(12)
    for column, label in enumerate(("text", "ground truth", "prediction")):
        left = PADDING if column == 0 else TEXT_WIDTH + (column - 1) * width + PADDING
        draw.text((left, 8), label, FAINT, small)
    for row in range(count):
        top = HEADING + row * height
        lines = _wrap(texts[row], font, TEXT_WIDTH - 2 * PADDING, (height - 44) // 20)
        draw.text((PADDING, top + PADDING), "\n".join(lines), INK, font, spacing=5)
        draw.text((PADDING, top + height - 22), notes[row], FAINT, small)
        for column, images in enumerate((truth, predicted)):
            page.paste(Image.fromarray(images[row]), (TEXT_WIDTH + column * width, top))
    return np.asarray(page)


def _font(size: int) -> FreeTypeFont:
    """Matplotlib brings DejaVu Sans, which has the letters of most languages."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size)


def _wrap(text: str, font: FreeTypeFont, width: int, most: int) -> list[str]:
    """Lines of at most ``width`` pixels; of more than ``most`` lines the rest gives way to "…"."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) > width and lines[-1]:
            longer = word
            lines.append("")
        while font.getlength(longer) > width:  # one endless word
            fits = max(n for n in range(1, len(longer)) if font.getlength(longer[:n]) <= width)
            lines[-1], longer = longer[:fits], longer[fits:]
            lines.append("")
        lines[-1] = longer
    most = max(most, 1)
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][:-1] + "…"]
