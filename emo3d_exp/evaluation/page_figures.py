"""Figures of a report: what they are, what they mean, and for which emotions."""

from __future__ import annotations

from html import escape

from emo3d_exp.evaluation.columns import LABELS, comparison, legend
from emo3d_exp.evaluation.evaluation import Evaluation
from emo3d_exp.evaluation.histogram import histogram
from emo3d_exp.evaluation.markup import paragraphs, table
from emo3d_exp.evaluation.pairing import short
from emo3d_exp.vocab import EMOTIONS, REGIONS

STYLE = """
.confusion td, .confusion th { text-align: center; padding: .3rem .55rem; }
.confusion th[scope=row] { text-align: right; } .confusion .right { outline: 2px solid #3b6ea8; }
"""
DETAILS: dict[str, str] = {
    "mse": "mean squared error of 52 blendshapes ↓",
    "mse_51": "of the 51 that move a face ↓",
    **{f"mse_{region}": f"of the {region} ↓" for region in REGIONS},
    "mse_best": "to the nearest of the sample's faces ↓",
    "mae": "mean absolute error ↓",
    "correlation": "correlation of predicted and true scores ↑",
    "mse_relative": "MSE: 0 the ground truth, 1 another's face ↓",
    "emo3d": "Emo3D ↓",
    "emo3d_relative": "Emo3D: 0 the ground truth, 1 another's face ↓",
    "emo3d_kl": "KL divergence in nats ↓",
    "emo3d_js": "Jensen–Shannon divergence in nats ↓",
    "emotion_accuracy": "strongest emotion seen is the prompt's ↑",
    "emotion_accuracy_no_neutral": "of prompts that are not mainly neutral ↑",
    "r_at_1": "the prompt is the nearest of all ↑",
    "r_at_5": "among the 5 nearest ↑",
    "r_at_10": "among the 10 nearest ↑",
}
"""Key of ``metrics.json``: what it is."""


def figures_section(evaluation: Evaluation) -> str:
    """The system beside the references, what that means in sentences, and every figure to unfold."""
    headings, rows = comparison(evaluation)
    return (
        f"<h2>Figures</h2>\n{paragraphs(meaning(evaluation))}\n{table(headings, rows, own=1)}\n"
        f'<p class="legend">{escape(legend(evaluation.metrics))}</p>\n'
        f"<details><summary>every figure</summary>{_details(evaluation)}</details>"
    )


def meaning(evaluation: Evaluation) -> list[str]:
    """What the figures say about the system, one sentence after the other."""
    own, references = evaluation.metrics, evaluation.references
    told = []
    if "emo3d" in own:
        told.append(
            f"Emo3D is {_with_interval(own, 'emo3d', 3)}: lower is better, and .5 is perfect. The true faces "
            f"reach {short(references['ground_truth']['emo3d'], '.3f')} with this judge{_beside(references)}."
            + _relative(own, "emo3d")
        )
        truth = references["ground_truth"]["emotion_accuracy"]
        told.append(
            "The strongest emotion that the judge sees is the prompt's own for "
            f"{own['emotion_accuracy']:.0%} of the prompts; of the true faces it is for {truth:.0%}."
        )
    told.append(
        f"The mean squared error of the blendshapes is {_with_interval(own, 'mse', 4)}; "
        f"the mean of the training faces has {short(references['mean_face']['mse'], '.4f')}."
        + _relative(own, "mse")
    )
    return told


def _with_interval(own: dict[str, float], key: str, digits: int) -> str:
    mean, low, high = (short(own[name], f".{digits}f") for name in (key, f"{key}_low", f"{key}_high"))
    return f"{mean} [{low}, {high}]"


def _beside(references: dict[str, dict[str, float]]) -> str:
    other = references.get("other_sample", {}).get("emo3d")
    return "" if other is None else f", faces of other samples {short(other, '.3f')}"


def _relative(own: dict[str, float], key: str) -> str:
    if f"{key}_relative" not in own:
        return ""
    value = short(own[f"{key}_relative"], ".2f")
    return f" Relative value: {value}, where 0 is the ground truth and 1 a right face for the wrong prompt."


def _details(evaluation: Evaluation) -> str:
    systems = [evaluation.metrics, *evaluation.references.values()]
    names = [_name(evaluation), *(LABELS[name] for name in evaluation.references)]
    rows = [
        [what, *(_figure(own, key) for own in systems)]
        for key, what in DETAILS.items()
        if any(key in own for own in systems)
    ]
    return table(["", *names], rows)


def _figure(own: dict[str, float], key: str) -> str:
    return short(own[key], ".5f" if key.startswith("m") else ".4f") if key in own else "–"


def _name(evaluation: Evaluation) -> str:
    return evaluation.provenance["system"] or "predictions"


def emotions_section(evaluation: Evaluation) -> str:
    """The means over the prompts of each dominant emotion."""
    columns = [
        ("prompts", "prompts", "d"), ("mse", "MSE ↓", ".5f"), ("emo3d", "Emo3D ↓", ".4f"),
        ("emotion_accuracy", "right ↑", ".3f"),
    ]  # fmt: skip
    shown = [column for column in columns if any(column[0] in own for own in evaluation.emotions.values())]
    rows = [
        [name, *(short(own[key], style) if key in own else "–" for key, _, style in shown)]
        for name, own in evaluation.emotions.items()
    ]
    return '<h2>By emotion</h2>\n<p class="legend">Prompts by their strongest emotion.</p>\n' + table(
        ["", *(heading for _, heading, _ in shown)], rows
    )


def confusion_section(evaluation: Evaluation) -> str:
    """Strongest emotion asked for by the one seen, counts shaded by their share of the row."""
    counts = evaluation.confusion
    if counts is None:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in EMOTIONS)
    rows = "\n".join(_confusion_row(label, row) for label, row in enumerate(counts))
    return (
        '<h2>Confusion</h2>\n<p class="legend">Rows: the strongest emotion of the prompt; columns: the '
        "strongest that the judge saw in the predicted face. Shaded by the share of the row.</p>\n"
        '<div class="wide"><table class="confusion"><thead><tr><th>asked for ↓ seen →</th>'
        f"{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>"
    )


def _confusion_row(label: int, row: list[int]) -> str:
    cells = "".join(_cell(row, column, label) for column in range(len(row)))
    return f'<tr><th scope="row">{EMOTIONS[label]}</th>{cells}</tr>'


def _cell(row: list[int], column: int, label: int) -> str:
    share = row[column] / max(sum(row), 1)
    ink = "#fff" if share > 0.55 else "#222"
    right = ' class="right"' if column == label else ""
    shade = f"background:rgba(59,110,168,{share:.3f});color:{ink}"
    return f'<td{right} style="{shade}" title="{share:.0%} of the row">{row[column] or ""}</td>'


def spread_section(evaluation: Evaluation) -> str:
    """How the values of single prompts are spread, with the means of system and references as lines."""
    judged = "emo3d" in evaluation.per_sample
    key, label = ("emo3d", "Emo3D of a prompt") if judged else ("mse", "MSE of a prompt")
    values = evaluation.per_sample[key].to_numpy()
    marks = {_name(evaluation): evaluation.metrics[key]}
    marks |= {LABELS[name]: evaluation.references[name][key] for name in ("ground_truth", "mean_face")}
    top = 1.0 if judged else float(max(values.max(), *marks.values())) or 1.0
    bars = histogram(values, label, marks, (0.5 if judged else 0.0, top))
    return f'<h2>Prompt by prompt</h2>\n<div class="wide">{bars}</div>'
