"""Many faces on one page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

INK = (40, 40, 40)
PAPER = 255


def contact_sheet(images: np.ndarray, captions: Sequence[str] | None = None, columns: int = 4) -> np.ndarray:
    """Arrange pictures in rows, each with its caption below.

    Args:
        images: ``(N, H, W, 3)`` uint8 RGB.
        captions: ``N`` texts, or None; a text too wide for its picture is wrapped to at most two lines
            and then cut. Characters outside ASCII are drawn as "?".
        columns: pictures per row.

    Returns:
        ``(rows * (H + caption height), columns * W, 3)`` uint8 RGB.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not len(images):
        raise ValueError(f"expected (N, H, W, 3) uint8 images, got {images.shape} {images.dtype}")
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"{len(images)} images but {len(captions)} captions")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    columns = min(columns, len(images))
    cells = [image if captions is None else _cell(image, captions[i]) for i, image in enumerate(images)]
    rows = -(-len(cells) // columns)
    blank = np.full_like(cells[0], PAPER)
    cells += [blank] * (rows * columns - len(cells))
    return np.vstack([np.hstack(cells[r * columns : (r + 1) * columns]) for r in range(rows)])


def _cell(image: np.ndarray, caption: str) -> np.ndarray:
    import cv2

    width = image.shape[1]
    scale = max(0.3, min(0.5, width / 450))
    line = max(12, int(30 * scale))
    strip = np.full((2 * line + 6, width, 3), PAPER, np.uint8)
    text = caption.encode("ascii", "replace").decode()
    for number, part in enumerate(_wrap(text, width - 8, scale)):
        place = (4, (number + 1) * line)
        cv2.putText(strip, part, place, cv2.FONT_HERSHEY_SIMPLEX, scale, INK, 1, cv2.LINE_AA)
    return np.vstack([image, strip])


def _wrap(text: str, width: int, scale: float) -> list[str]:
    lines, current = [], ""
    for word in text.split():
        longer = f"{current} {word}".strip()
        if current and _width(longer, scale) > width:
            lines.append(current)
            longer = word
        current = longer
    lines = [*lines, current]
    if len(lines) > 2:
        lines = [lines[0], f"{lines[1]}..."]
    return [_cut(line, width, scale) for line in lines]


def _cut(line: str, width: int, scale: float) -> str:
    while len(line) > 1 and _width(line, scale) > width:
        line = line[:-4] + "..." if len(line) > 4 else line[:-1]
    return line


def _width(text: str, scale: float) -> int:
    import cv2

    return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]
