"""Pieces of HTML pages that open anywhere: styles and pictures inside, nothing fetched."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1100px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; } small, .legend { color: #666; }
table { border-collapse: collapse; } td, th { padding: .25rem .7rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr { border-bottom: 1px solid #e4e4e4; }
tr.own { font-weight: 600; } .wide { overflow-x: auto; }
.warning { padding: .6rem .9rem; background: #f8d9d4; border-radius: .4rem; font-weight: 600; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.2rem; color: #444; }
"""
QUALITY = 88


def page(title: str, body: str, style: str = "", script: str = "") -> str:
    """A whole HTML page.

    Args:
        title: text. body: HTML. style: CSS beside :data:`STYLE`. script: JavaScript that needs no network.
    """
    run = f"\n<script>{script}</script>" if script else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{body}{run}\n</body></html>\n"
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], own: int = 0) -> str:
    """A table of texts. own: so many of the first rows are set off, as a system is from its references."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    lines = [
        ('<tr class="own">' if number < own else "<tr>")
        + "".join(f"<td>{escape(text)}</td>" for text in row)
        + "</tr>"
        for number, row in enumerate(rows)
    ]
    body = "\n".join(lines)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def paragraphs(texts: Sequence[str], kind: str = "") -> str:
    """Each text as a paragraph of that class."""
    mark = f' class="{kind}"' if kind else ""
    return "\n".join(f"<p{mark}>{escape(text)}</p>" for text in texts)


def terms(told: Sequence[tuple[str, str]]) -> str:
    """A list of (what, about it)."""
    return "<dl>" + "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in told) + "</dl>"


def picture(image: np.ndarray, alt: str) -> str:
    """(H, W, 3) uint8 RGB as an ``<img>`` with a JPEG inside, a tenth of a PNG's size."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    size = f'width="{image.shape[1]}" height="{image.shape[0]}"'
    return f'<img src="data:image/jpeg;base64,{data}" {size} alt="{escape(alt)}">'
