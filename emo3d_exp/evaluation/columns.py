"""The figures of a system and its references as the cells of a table, in print and on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from emo3d_exp.evaluation.evaluation import Evaluation

LABELS: dict[str, str] = {
    "ground_truth": "ground truth",
    "mean_face": "mean face",
    "neutral": "neutral face",
    "other_sample": "another's face",
    "text": "the text itself",
}

COLUMNS: dict[str, tuple[str, str]] = {
    "mse": ("MSE ↓", ".5f"),
    "mse_51": ("of 51 ↓", ".5f"),
    "emo3d": ("Emo3D ↓", ".4f"),
    "emo3d_low": ("95 %", ".3f"),
    "emo3d_kl": ("KL ↓", ".3f"),
    "emotion_accuracy": ("right ↑", ".3f"),
    "r_at_10": ("R@10 ↑", ".3f"),
}
"""Key of ``metrics.json``: heading and format. An arrow points where better is."""

MEANINGS = {
    "mse": "MSE over 52 blendshapes, and over the 51 without _neutral",
    "emo3d": "Emo3D in [0.5, 1), 0.5 is perfect, with its 95 % interval; KL in nats",
    "emotion_accuracy": "right: how often the strongest emotion seen is the prompt's",
    "r_at_10": "R@10: how often the prompt is among the 10 of those scored nearest to the face",
}
"""Key of ``metrics.json``: what a reader has to know of it."""


def legend(figures: Iterable[str]) -> str:
    """What the columns of a table mean that shows these figures."""
    figures = set(figures)
    told = "; ".join(text for key, text in MEANINGS.items() if key in figures)
    return f"↓ lower is better, ↑ higher. {told}."


def shown_columns(figures: Mapping[str, float]) -> list[str]:
    """The keys of :data:`COLUMNS` that a system has."""
    return [key for key in COLUMNS if key in figures]


def cell(figures: Mapping[str, float], key: str) -> str:
    """A figure, or both ends of an interval, without the 0 before the point; a dash where there is none."""
    if key not in figures:
        return "–"
    ends = [key, key.replace("_low", "_high")] if key.endswith("_low") else [key]
    return "–".join(format(figures[end], COLUMNS[key][1]).removeprefix("0") for end in ends)


def comparison(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Headings, and one row for the system and each reference."""
    keys = shown_columns(evaluation.metrics)
    named = {evaluation.provenance["system"] or "predictions": evaluation.metrics}
    named |= {LABELS[name]: figures for name, figures in evaluation.references.items()}
    rows = [[name, *(cell(figures, key) for key in keys)] for name, figures in named.items()]
    return ["", *(COLUMNS[key][0] for key in keys)], rows
