"""Many faces on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from emo3d_exp.faces.lettering import PAPER, lettered

CAPTION_LINES = 2
RULE = 225
"""Grey of the lines between rows."""


def contact_sheet(images: np.ndarray, captions: Sequence[str] | None = None, columns: int = 4) -> np.ndarray:
    """Arrange pictures in rows, each with its caption below.

    Args:
        images: ``(N, H, W, 3)`` uint8 RGB.
        captions: ``N`` texts, or None; a text too wide for its picture is wrapped to at most two lines
            and then cut.
        columns: pictures per row.

    Returns:
        ``(rows * (H + caption height), columns * W, 3)`` uint8 RGB.
    """
    images = _pictures(images)
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"{len(images)} images but {len(captions)} captions")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    columns = min(columns, len(images))
    cells = list(images)
    if captions is not None:
        cells = [_captioned(image, caption) for image, caption in zip(images, captions, strict=True)]
    rows = -(-len(cells) // columns)
    blank = np.full_like(cells[0], PAPER)
    cells += [blank] * (rows * columns - len(cells))
    return np.vstack([np.hstack(cells[r * columns : (r + 1) * columns]) for r in range(rows)])


def comparison_sheet(
    texts: Sequence[str],
    columns: Mapping[str, np.ndarray],
    captions: Mapping[str, Sequence[str]] | None = None,
) -> np.ndarray:
    """Faces of several systems beside each other, as in figure 6 of the Emo3D paper.

    Args:
        texts: ``N`` descriptions, one per row; written at the left, wrapped, cut where they are longer than
            a picture is high.
        columns: heading → pictures ``(N, H, W, 3)`` uint8 RGB of one size, in the order to show: the ground
            truth first, then each system.
        captions: heading → ``N`` short texts below its pictures (a score, say); headings may be left out.

    Returns:
        ``(height, width, 3)`` uint8 RGB.
    """
    pictures = {heading: _pictures(images) for heading, images in columns.items()}
    if not pictures or not texts:
        raise ValueError("a comparison needs at least one text and one column of pictures")
    for heading, images in pictures.items():
        if len(images) != len(texts) or images.shape != next(iter(pictures.values())).shape:
            raise ValueError(f"column '{heading}' holds {images.shape}, expected {len(texts)} of one size")
    for heading, lines in (captions or {}).items():
        if heading not in pictures or len(lines) != len(texts):
            raise ValueError(f"captions of '{heading}': expected {len(texts)} for one of {list(pictures)}")
    side = next(iter(pictures.values())).shape[2]
    heads = [lettered(heading, side, 1, _points(side) + 1, bold=True) for heading in ["", *pictures]]
    rows = [np.hstack(heads)]
    for number, text in enumerate(texts):
        faces = [images[number] for images in pictures.values()]
        if captions:
            below = [captions[heading][number] if heading in captions else "" for heading in pictures]
            faces = [_captioned(face, caption) for face, caption in zip(faces, below, strict=True)]
        rows += [np.full((1, rows[0].shape[1], 3), RULE, np.uint8)]
        rows += [np.hstack([_cell(text, side, len(faces[0])), *faces])]
    return np.vstack(rows)


def _pictures(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not len(images):
        raise ValueError(f"expected (N, H, W, 3) uint8 images, got {images.shape} {images.dtype}")
    return images


def _points(width: int) -> int:
    return int(np.clip(width / 17, 9, 15))


def _captioned(image: np.ndarray, caption: str) -> np.ndarray:
    width = image.shape[1]
    return np.vstack([image, lettered(caption, width, CAPTION_LINES, _points(width))])


def _cell(text: str, width: int, height: int) -> np.ndarray:
    """Text in a field of that size."""
    points = _points(width)
    lines = max(1, int((height - points) / (1.3 * points)))
    written = lettered(text, width, lines, points)[:height]
    cell = np.full((height, width, 3), PAPER, np.uint8)
    cell[: len(written)] = written
    return cell
