"""Per-sample values of the metrics, on arrays.

Every function takes numpy arrays or torch tensors and computes in float64 on the CPU, so that a value
depends neither on the batch that a sample came in nor on the device.

Source of the Emo3D metric: Dehghani et al., "Emo3D: Metric and Benchmarking Dataset for 3D Facial
Expression Generation from Emotion Description", Findings of NAACL 2025, section 5, eqs 5 and 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES, to_distribution

QUERIES_AT_ONCE = 1024
"""Rows of the similarity matrix that are held in memory together."""

SIMILARITY_DECIMALS = 12
"""Cosines are compared after rounding: prompts that are equally near must tie whatever order the
matrix product summed in, and float64 leaves about 15 digits."""


def kl_divergence(p: Any, q: Any, eps: float = 1e-3) -> np.ndarray:
    """Kullback-Leibler divergence KL(p‖q) in nats (eq. 5), of smoothed distributions.

    ``eps`` is added to every entry of *both* and both are normalised again, so that equal distributions
    give 0 and an emotion missing from q costs much but not infinitely much. With ``eps=0`` the plain
    formula: terms with p = 0 are dropped, and q = 0 where p > 0 gives infinity.

    Args:
        p: (..., n) distributions. q: (..., n) distributions, of the same shape or one that broadcasts.
        eps: not negative.

    Returns:
        (...) float64, not negative.
    """
    if eps < 0:
        raise ValueError(f"eps must not be negative, got {eps}")
    p, q = (_smooth(_array(values), eps) for values in (p, q))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(q)), 0.0)
    return np.maximum(terms.sum(axis=-1), 0.0)


def emo3d_from_kl(kl: Any) -> np.ndarray:
    """1 / (1 + exp(-KL)) per sample (eq. 6): 0.5 where the distributions agree, else up to 1."""
    return 1.0 / (1.0 + np.exp(-_array(kl)))


def nearest_prompts(queries: Any, bank: Any, k: int = 10) -> np.ndarray:
    """Rows of the ``k`` bank features with the largest cosine, by an exact search.

    Args:
        queries: (N, D) features of images (or of texts). bank: (M, D) features of the bank's prompts.
            Neither has to be normalised.
        k: from 1 to M.

    Returns:
        (N, k) int64 rows of ``bank``, nearest first; of equally near ones the lower row comes first.

    Raises:
        ValueError: shapes do not fit, k is out of range, or a feature is zero or not finite.
    """
    queries, bank = _directions(queries, "queries"), _directions(bank, "bank")
    if queries.shape[1] != bank.shape[1]:
        raise ValueError(f"features differ in width: {queries.shape[1]} (queries), {bank.shape[1]} (bank)")
    if not 1 <= k <= len(bank):
        raise ValueError(f"k must lie in 1 … {len(bank)} (the bank's size), got {k}")
    nearest = np.empty((len(queries), k), dtype=np.int64)
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        distance = -(queries[start : start + QUERIES_AT_ONCE] @ bank.T).round(SIMILARITY_DECIMALS)
        for row, values in enumerate(distance, start):
            nearest[row] = _smallest(values, k)
    return nearest


def emo3d_scores(
    image_features: Any,
    bank_features: Any,
    prompt_emotions: Any,
    bank_emotions: Any,
    k: int = 10,
    eps: float = 1e-3,
) -> dict[str, np.ndarray]:
    """The Emo3D metric of every sample (eqs 5 and 6); the metric of a system is the mean of ``emo3d``.

    φ is the normalised emotion vector of the prompt, ψ̄ the mean of the normalised emotion vectors of the
    ``k`` bank prompts nearest to the picture of the predicted face; the value is 1/(1+exp(-KL(φ‖ψ̄))).

    Args:
        image_features: (N, D) of the rendered faces. bank_features: (M, D) of the bank's texts, of the
            same judge. prompt_emotions: (N, 8) intensities. bank_emotions: (M, 8) intensities.
        k: neighbours. eps: smoothing, see :func:`kl_divergence`.

    Returns:
        ``kl`` (N,) nats; ``emo3d`` (N,) in [0.5, 1), lower is better; ``neighbours`` (N, k) int64 rows of
        the bank, nearest first; ``shown`` (N, 8) float64, the distribution ψ̄ that the judge sees.

    Raises:
        ValueError: shapes do not fit, or an emotion vector is all zero.

    >>> one_hot = np.eye(8)
    >>> emo3d_scores(one_hot[:2], one_hot, one_hot[:2], one_hot, k=1)["emo3d"].tolist()
    [0.5, 0.5]
    """
    prompt_emotions, bank_emotions = (
        to_distribution(_array(prompt_emotions)),
        to_distribution(_array(bank_emotions)),
    )
    _same_length("image", image_features, prompt_emotions)
    _same_length("bank", bank_features, bank_emotions)
    neighbours = nearest_prompts(image_features, bank_features, k)
    shown = bank_emotions[neighbours].mean(axis=1)
    kl = kl_divergence(prompt_emotions, shown, eps)
    return {"kl": kl, "emo3d": emo3d_from_kl(kl), "neighbours": neighbours, "shown": shown}


def blendshape_errors(predicted: Any, target: Any) -> dict[str, np.ndarray]:
    """Mean squared error of every sample's blendshapes.

    Args:
        predicted, target: (N, 52) in [0, 1].

    Returns:
        ``mse`` (N,) over all 52, as the paper reports it, and ``mse_51`` (N,) over the 51 that move a face:
        ``_neutral`` is always about 0, so it makes the first one look better by 1/52.
    """
    predicted, target = _array(predicted), _array(target)
    for name, values in (("predicted", predicted), ("target", target)):
        if values.shape != (len(predicted), len(BLENDSHAPES)):
            raise ValueError(f"{name}: expected ({len(predicted)}, {len(BLENDSHAPES)}), got {values.shape}")
    squares = (predicted - target) ** 2
    moving = np.arange(len(BLENDSHAPES)) != BLENDSHAPE_INDEX["_neutral"]
    return {"mse": squares.mean(axis=1), "mse_51": squares[:, moving].mean(axis=1)}


def _array(values: Any) -> np.ndarray:
    """A float64 array of anything array-like; tensors are detached and brought to the CPU."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def _same_length(name: str, features: Any, emotions: np.ndarray) -> None:
    if len(features) != len(emotions):
        raise ValueError(f"{name}: {len(features)} features but {len(emotions)} emotion vectors")


def _smooth(values: np.ndarray, eps: float) -> np.ndarray:
    smoothed = values + eps
    return smoothed / smoothed.sum(axis=-1, keepdims=True)


def _directions(features: Any, name: str) -> np.ndarray:
    features = _array(features)
    if features.ndim != 2:
        raise ValueError(f"{name}: expected (rows, width), got {features.shape}")
    length = np.linalg.norm(features, axis=1, keepdims=True)
    useless = np.flatnonzero(~(np.isfinite(length) & (length > 0)))
    if len(useless):
        raise ValueError(f"{name}: rows {useless[:5].tolist()} are zero or not finite, so have no direction")
    return features / length


def _smallest(values: np.ndarray, k: int) -> np.ndarray:
    """Indices of the ``k`` smallest values, ascending, the lower index first on a tie."""
    candidates = np.flatnonzero(values <= np.partition(values, k - 1)[k - 1])
    return candidates[np.argsort(values[candidates], kind="stable")][:k]
