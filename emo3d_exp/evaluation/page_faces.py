"""Faces of a report: what was asked for, what was answered, and what the judge saw in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from emo3d_exp.evaluation.evaluation import Evaluation
from emo3d_exp.evaluation.markup import picture
from emo3d_exp.evaluation.picked import Picked
from emo3d_exp.vocab import EMOTIONS, to_distribution

STYLE = """
article { display: grid; grid-template-columns: auto auto 1fr; gap: 1rem; padding: 1rem 0;
  border-top: 1px solid #ddd; }
figure { margin: 0; } figcaption { color: #666; font-size: .85rem; }
blockquote { margin: 0 0 .6rem; font-size: 1.05rem; }
ol { margin: .3rem 0 0; padding-left: 1.4rem; color: #444; }
.why { display: inline-block; padding: 0 .5rem; border-radius: 1rem; background: #eee; font-size: .85rem; }
.best { background: #d6f0dc; } .worst { background: #f8d9d4; }
.bars { display: grid; grid-template-columns: 5.5rem 1fr; column-gap: .5rem; font-size: .85rem;
  margin: .5rem 0; }
.bars div { align-self: center; } .bar { display: block; height: .42rem; min-width: 1px; }
.asked { background: #3b6ea8; } .shown { background: #d08a2e; }
"""


def faces_section(
    evaluation: Evaluation, picked: Sequence[Picked], truth: np.ndarray, predicted: np.ndarray
) -> str:
    """Every picked prompt with its two faces, the emotions asked for and seen, and the nearest prompts.

    Args:
        picked: N rows of the per-sample table. truth, predicted: (N, H, W, 3) uint8 RGB.
    """
    looks = looks_averaged(evaluation.provenance)
    cards = "\n".join(
        _card(evaluation, choice, truth[number], predicted[number], looks)
        for number, choice in enumerate(picked)
    )
    over = f", averaged over {looks} looks" if looks else ""
    return (
        "<h2>Best, typical and worst faces</h2>\n"
        '<p class="legend">Bars: <span class="asked">&emsp;</span> emotions of the prompt, '
        f'<span class="shown">&emsp;</span> mean of the prompts nearest to the predicted face{over}. '
        "Typical: the prompt in the middle, by Emo3D, of those with that strongest emotion.</p>\n"
        f"{_of_looks(looks)}"
        f"{cards}"
    )


def looks_averaged(facts: Mapping[str, Any]) -> int:
    """Over how many looks the values of each prompt are means; 0 where they come from one retrieval: under
    one look, or by features that were averaged."""
    looks = facts.get("looks") or {}
    return int(looks["count"]) if looks.get("average") == "values" else 0


def _of_looks(looks: int) -> str:
    if not looks:
        return ""
    return (
        f'<p class="legend">Every predicted face was judged under {looks} looks, each with nearest prompts '
        "of its own. The bars and what is seen are means over the looks, and so are Emo3D and KL, which are "
        "taken look by look: they are not those of the bars. The faces drawn and the nearest prompts named "
        "are those of the first look alone, the neutral portrait.</p>\n"
    )


def _card(
    evaluation: Evaluation, choice: Picked, truth: np.ndarray, predicted: np.ndarray, looks: int
) -> str:
    row = evaluation.per_sample.iloc[choice.row]
    asked = to_distribution(evaluation.prompts.emotions[choice.row])
    shown = row[[f"shown_{name}" for name in EMOTIONS]].to_numpy(dtype=float)
    near = "".join(f"<li>{escape(text)}</li>" for text in row["neighbour_texts"])
    mark = choice.why if choice.why in ("best", "worst") else "typical"
    means, first = (f" (means of {looks} looks)", ", first look") if looks else ("", "")
    return (
        f"<article>{_figure(truth, 'ground truth')}{_figure(predicted, 'prediction')}<div>"
        f"<blockquote>{escape(row['text'])}</blockquote>"
        f'<span class="why {mark}">{escape(choice.why)}</span> '
        f"<small>sample {row['sample_id']}, text {row['text_number']} · Emo3D {row['emo3d']:.3f} · "
        f"KL {row['kl']:.3f}{means} · MSE {row['mse']:.4f} · asked {escape(row['dominant'])}, "
        f"seen {escape(row['predicted_dominant'])}</small>\n{_bars(asked, shown)}\n"
        f"<details><summary>nearest prompts{first}</summary><ol>{near}</ol></details></div></article>"
    )


def _bars(asked: np.ndarray, shown: np.ndarray) -> str:
    rows = "".join(
        f"<div>{name}</div><div>"
        f'<span class="bar asked" style="width:{asked[i]:.1%}" title="asked {asked[i]:.2f}"></span>'
        f'<span class="bar shown" style="width:{shown[i]:.1%}" title="seen {shown[i]:.2f}"></span></div>'
        for i, name in enumerate(EMOTIONS)
    )
    return f'<div class="bars">{rows}</div>'


def _figure(image: np.ndarray, caption: str) -> str:
    return f"<figure>{picture(image, caption)}<figcaption>{caption}</figcaption></figure>"
