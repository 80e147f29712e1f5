"""The report of an evaluation: one HTML page that opens anywhere, without scripts, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emo3d_exp.evaluation import page_faces, page_figures
from emo3d_exp.evaluation.conditions import in_words
from emo3d_exp.evaluation.evaluation import Evaluation
from emo3d_exp.evaluation.markup import page, paragraphs, terms
from emo3d_exp.evaluation.picked import Picked
from emo3d_exp.evaluation.wording import counted

COMPARABLE = "Results compare only where data, part, judge, rig, renderer, looks, bank, k and ε are the same."


def report_page(
    evaluation: Evaluation,
    picked: Sequence[Picked] = (),
    truth: np.ndarray | None = None,
    predicted: np.ndarray | None = None,
) -> str:
    """Figures with intervals and what they mean, emotions, confusion, spread, faces and provenance.

    Args:
        picked: N rows of the per-sample table to show. truth, predicted: (N, H, W, 3) uint8 RGB; None where
            faces were not judged: the sections about faces are left out.
    """
    facts = evaluation.provenance
    judge = facts.get("judge")
    what = f"{counted(facts['prompts'], 'prompt')} of the part “{facts['split']}”, " + (
        f"judged by {judge['name']} on the rig {facts['rig']['name']}."
        if judge
        else "blendshape errors alone."
    )
    sections = [
        paragraphs([what]),
        page_figures.figures_section(evaluation),
        page_figures.emotions_section(evaluation),
        page_figures.confusion_section(evaluation),
        page_figures.spread_section(evaluation),
    ]
    if truth is not None and predicted is not None:
        sections.append(page_faces.faces_section(evaluation, picked, truth, predicted))
    sections.append(f"<h2>Where the figures come from</h2>\n{terms(in_words(facts))}")
    sections.append(paragraphs([COMPARABLE], "legend"))
    title = f"Report of {facts['system'] or 'the predictions'}"
    return page(title, "\n".join(filter(None, sections)), page_figures.STYLE + page_faces.STYLE)
