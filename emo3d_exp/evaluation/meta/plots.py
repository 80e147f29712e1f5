"""Plots of a meta-evaluation, as matplotlib figures that no screen is needed for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.evaluation.meta.comparing import SCORES
from emo3d_exp.evaluation.meta.reactions import roc
from emo3d_exp.evaluation.meta.sets import CHANGED, KEPT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emo3d_exp.evaluation.meta.measuring import MetaEvaluation

COLORS = {"emo3d": "#1b6ca8", "mse": "#c8553d", KEPT: "#4f9d69", CHANGED: "#b23a48"}
NAMES = {"emo3d": "Emo3D", "mse": "MSE"}
LINES = {
    "other_emotion": ("other emotion's face", "o-", COLORS[CHANGED]),
    "ground_truth": ("ground truth", "o-", COLORS[KEPT]),
    "auc": ("AUC", "s--", "black"),
}
SENSITIVITY = {"k": "k", "eps": "ε", "bank": "prompts in the bank", "looks_features_averaged": "looks"}


def _figure(columns: int, width: float = 4.6, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(1, columns, number + 1) for number in range(columns)]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def graded(found: MetaEvaluation) -> Figure:
    """Values of the set over the amount of each graded change: Emo3D on the left scale, MSE on the right."""
    series = found.content["graded"].values()
    figure, axes = _figure(len(series))
    for axis, each in zip(axes, series, strict=True):
        axis.plot(each["amounts"], each["emo3d"], "o-", color=COLORS["emo3d"])
        axis.set(title=each["label"], xlabel=each["unit"])
        axis.set_ylabel("Emo3D", color=COLORS["emo3d"])
        right = axis.twinx()
        right.plot(each["amounts"], each["mse"], "s--", color=COLORS["mse"])
        right.set_ylabel("MSE", color=COLORS["mse"])
        right.spines["top"].set_visible(False)
    return figure


def distributions(found: MetaEvaluation) -> Figure:
    """Rises of both scores for every change, one dot a prompt, median as a line; verified changes dark."""
    apart = found.apart
    names = list(apart.sets.changes)
    figure, axes = _figure(2, width=6.4, height=0.42 * len(names) + 1.2)
    rng = np.random.default_rng(0)
    for axis, score in zip(axes, SCORES, strict=True):
        rises = apart.rises(score)
        for row, name in enumerate(names):
            change, values = apart.sets.changes[name], rises[name]
            height = row + rng.uniform(-0.28, 0.28, len(values))
            style = {"s": 7, "linewidths": 0, "color": COLORS[change.group]}
            axis.scatter(values[~change.verified], height[~change.verified], alpha=0.2, **style)
            axis.scatter(values[change.verified], height[change.verified], alpha=0.6, **style)
            if change.verified.any():
                axis.vlines(np.median(values[change.verified]), row - 0.38, row + 0.38, color="black")
        axis.axvline(0, color="grey", linewidth=0.6)
        axis.set(yticks=range(len(names)), xlabel=f"rise of {NAMES[score]}", ylim=(len(names) - 0.5, -0.5))
        axis.set_yticklabels([apart.sets.changes[name].label for name in names] if score == SCORES[0] else [])
    axes[0].set_title("green: emotion kept, red: changed (pale: not verified)", fontsize=9, loc="left")
    return figure


def roc_curves(found: MetaEvaluation) -> Figure:
    """True over false alarms of both scores, all changes and verified ones."""
    figure, axes = _figure(2, width=3.9, height=3.7)
    for axis, (title, verified) in zip(
        axes, (("verified changes", True), ("all changes", False)), strict=True
    ):
        for score in SCORES:
            groups = found.apart.groups(found.apart.rises(score), verified=verified)
            if not len(groups[1]):
                continue
            false, true = roc(*groups)
            area = found.content["auc"]["verified" if verified else "all"][score]["value"]
            axis.plot(false, true, color=COLORS[score], label=f"{NAMES[score]}, AUC {area:.3f}")
        axis.plot([0, 1], [0, 1], ":", color="grey", linewidth=0.8)
        axis.set(title=title, xlabel="kept emotions above the threshold", ylabel="changed emotions above it")
        if len(axis.lines) > 1:
            axis.legend(loc="lower right", frameon=False)
        else:
            axis.text(0.5, 0.5, "none", ha="center")
    return figure


def sensitivity(found: MetaEvaluation) -> Figure:
    """Ground truth, other emotions' faces and AUC over k, ε, size of the bank and number of looks."""
    figure, axes = _figure(len(SENSITIVITY), width=3.5, height=3.2)
    for axis, (name, label) in zip(axes, SENSITIVITY.items(), strict=True):
        rows = found.content["sensitivity"][name]
        x = [row["value"] for row in rows]
        for key, (shown, style, color) in LINES.items():
            y = [np.nan if row[key] is None else row[key] for row in rows]
            axis.plot(x, y, style, color=color, label=shown, markersize=4)
        if min(x) > 0:
            axis.set_xscale("log")
            axis.set_xticks(x, [f"{value:g}" for value in x])
            axis.minorticks_off()
        axis.set(xlabel=label, ylim=(0.48, 1.02))
    axes[0].legend(frameon=False, fontsize=8, loc="center right")
    return figure


PLOTS: dict[str, tuple[str, Callable[[Any], Figure]]] = {
    "graded.png": ("Graded changes", graded),
    "distributions.png": ("Rises of both scores", distributions),
    "roc.png": ("Telling changed emotions from kept ones", roc_curves),
    "sensitivity.png": ("Settings of the metric", sensitivity),
}
"""File name: title and function."""
