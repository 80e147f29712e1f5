"""Per-sample values of the Emo3D metric, on arrays.

Every function takes numpy arrays or torch tensors and computes in float64 on the CPU, so that a value
depends neither on the batch that a sample came in nor on the device.

Source of the Emo3D metric: Dehghani et al., "Emo3D: Metric and Benchmarking Dataset for 3D Facial
Expression Generation from Emotion Description", Findings of NAACL 2025, section 5, eqs 5 and 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emo3d_exp.metrics.arrays import as_float64
from emo3d_exp.metrics.divergence import emo3d_from_kl, jensen_shannon, kl_divergence
from emo3d_exp.metrics.nearest import nearest_prompts
from emo3d_exp.vocab import to_distribution


def emo3d_scores(
    image_features: Any,
    bank_features: Any,
    prompt_emotions: Any,
    bank_emotions: Any,
    k: int = 10,
    eps: float = 1e-3,
    sample_ids: Any = None,
    bank_ids: Any = None,
) -> dict[str, np.ndarray]:
    """The Emo3D metric of every sample (eqs 5 and 6); the metric of a system is the mean of ``emo3d``.

    φ is the normalised emotion vector of the prompt, ψ̄ the mean of the normalised emotion vectors of the
    ``k`` bank prompts nearest to the picture of the predicted face; the value is 1/(1+exp(-KL(φ‖ψ̄))).

    Args:
        image_features: (N, D) of the rendered faces. bank_features: (M, D) of the bank's texts, of the
            same judge. prompt_emotions: (N, 8) intensities. bank_emotions: (M, 8) intensities.
        k: neighbours. eps: smoothing, see :func:`kl_divergence`.
        sample_ids, bank_ids: (N,) and (M,); where both are given, prompts of the own sample are left out of
            the neighbours (exclude-self).

    Returns:
        ``kl`` (N,) nats; ``emo3d`` (N,) in [0.5, 1), lower is better; ``js`` (N,) in nats, see
        :func:`jensen_shannon`; ``neighbours`` (N, k) int64 rows of the bank, nearest first; ``shown`` (N, 8)
        float64, the distribution ψ̄ that the judge sees.

    Raises:
        ValueError: shapes do not fit, or an emotion vector is all zero or not finite.
    """
    asked, available = (to_distribution(as_float64(e)) for e in (prompt_emotions, bank_emotions))
    _same_length("image", image_features, asked)
    _same_length("bank", bank_features, available)
    neighbours = nearest_prompts(image_features, bank_features, k, sample_ids, bank_ids)
    shown = available[neighbours].mean(axis=1)
    kl = kl_divergence(asked, shown, eps)
    js = jensen_shannon(asked, shown)
    return {"kl": kl, "emo3d": emo3d_from_kl(kl), "js": js, "neighbours": neighbours, "shown": shown}


def _same_length(name: str, features: Any, emotions: np.ndarray) -> None:
    if len(features) != len(emotions):
        raise ValueError(f"{name}: {len(features)} features but {len(emotions)} emotion vectors")
