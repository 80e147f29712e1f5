"""How well a judge finds the text that belongs to a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from emo3d_exp.metrics.nearest import nearest_prompts, own_ranks
from emo3d_exp.vocab import EMOTION_INDEX, dominant, to_distribution

NEIGHBOURS = 10
RECALLS = (1, 5, 10)


def retrieval_scores(image_features: Any, text_features: Any, emotions: Any) -> dict[str, float]:
    """Image → text retrieval among N pairs, and the emotion of the nearest texts.

    Args:
        image_features, text_features: (N, D), row i of both belongs together; N of at least 11.
        emotions: (N, 8) intensities of the pairs.

    Returns:
        ``r_at_1``, ``r_at_5``, ``r_at_10``: share of pictures whose own text is among the 1, 5, 10 nearest;
        ``dominant_emotion_of_10``: share of the pictures with a dominant emotion other than neutral for which
        the mean distribution of the 10 nearest texts, *the own one left out*, has that emotion as its
        largest non-neutral entry (7 classes).
    """
    own = np.arange(len(image_features))
    emotions = np.asarray(emotions, dtype=np.float64)
    others = nearest_prompts(image_features, text_features, NEIGHBOURS, own, own)
    shown = to_distribution(emotions)[others].mean(axis=1)
    shown[:, EMOTION_INDEX["neutral"]] = 0.0
    asked = dominant(emotions)
    emotional = asked != EMOTION_INDEX["neutral"]
    right = shown.argmax(axis=1)[emotional] == asked[emotional]
    ranks = own_ranks(image_features, text_features)
    recalls = {f"r_at_{k}": float((ranks < k).mean()) for k in RECALLS}
    return {**recalls, "dominant_emotion_of_10": float(right.mean())}
