"""Figures 8, 9 and 10 as PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.dataset_builder.report.analysis import Analysis
from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, DARK, DPI = "#3b6ea8", "#222222", 130
BINS_AT_MOST = 60
"""Of figure 8; where the longest text has more words, a bar stands for several lengths."""


def draw_figures(analysis: Analysis) -> dict[str, bytes]:
    """``figure_8``, ``figure_9``, ``figure_10``: the bytes of PNG files."""
    return {
        "figure_8": _png(_lengths(analysis.lengths)),
        "figure_9": _png(_texts(analysis.texts)),
        "figure_10": _png(_means(analysis.means, analysis.deviations)),
    }


def _lengths(lengths: np.ndarray) -> Figure:
    figure, axes = _axes(7.5, 3.4)
    width = int(np.ceil((lengths.max() + 1) / BINS_AT_MOST))
    edges = np.arange(0, lengths.max() + 1 + width, width) - 0.5
    axes.hist(lengths, bins=edges, color=BLUE, edgecolor="white", linewidth=0.4)
    middle = float(np.median(lengths))
    axes.margins(y=0.12)
    axes.axvline(middle, color=DARK, linewidth=1, linestyle="--")
    axes.annotate(
        f"median {middle:g}", (middle, axes.get_ylim()[1] * 0.95), (5, 0), textcoords="offset points"
    )
    axes.set(xlabel="words in a text" + (f" (bars of {width})" if width > 1 else ""), ylabel="texts")
    return figure


def _texts(texts: np.ndarray) -> Figure:
    figure, axes = _axes(7.5, 3.2)
    bars = axes.bar(EMOTIONS, texts, color=BLUE)
    axes.bar_label(bars, [f"{count:,}" for count in texts.tolist()], padding=2, fontsize=9)
    axes.set(ylabel="texts")
    axes.margins(y=0.12)
    return figure


def _means(means: np.ndarray, deviations: np.ndarray) -> Figure:
    figure, axes = _axes(8.2, 5.2)
    shown = axes.imshow(np.ma.masked_invalid(means), vmin=0, vmax=1, cmap="Blues", aspect="auto")
    for row, column in np.argwhere(np.isfinite(means)).tolist():
        ink = "white" if means[row, column] > 0.6 else DARK
        told = f"{means[row, column]:.2f}\n± {deviations[row, column]:.2f}"
        axes.text(column, row, told, ha="center", va="center", fontsize=8, color=ink)
    places = range(len(EMOTIONS))
    axes.set_xticks(places, EMOTIONS)
    axes.set_yticks(places, EMOTIONS)
    axes.set(xlabel="intensity of", ylabel="dominant emotion of the sample")
    axes.spines[:].set_visible(False)
    figure.colorbar(shown, label="mean intensity", fraction=0.04, pad=0.02)
    return figure


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # Without the library's version in it, equal data give an equal file.
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
