"""How far two distributions of emotions are apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from emo3d_exp.metrics.arrays import as_float64

AGGREGATIONS = ("per_sample", "pooled")


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
    if not eps >= 0:
        raise ValueError(f"eps must not be negative, got {eps}")
    p, q = (_smooth(as_float64(values), eps) for values in (p, q))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(q)), 0.0)
    return np.maximum(terms.sum(axis=-1), 0.0)


def jensen_shannon(p: Any, q: Any) -> np.ndarray:
    """Jensen-Shannon divergence in nats: ½ KL(p‖m) + ½ KL(q‖m) with m = (p + q) / 2.

    It is symmetric and finite without smoothing.

    Args:
        p: (..., n) distributions. q: (..., n) distributions, of the same shape or one that broadcasts.

    Returns:
        (...) float64 in [0, ln 2]: 0 for equal distributions, ln 2 for those that share nothing.
    """
    p, q = as_float64(p), as_float64(q)
    middle = (p + q) / 2
    apart = (kl_divergence(p, middle, eps=0) + kl_divergence(q, middle, eps=0)) / 2
    return np.clip(apart, 0.0, np.log(2))


def emo3d_from_kl(kl: Any) -> np.ndarray:
    """1 / (1 + exp(-KL)) per sample (eq. 6): 0.5 where the distributions agree, else up to 1."""
    return 1.0 / (1.0 + np.exp(-as_float64(kl)))


def aggregate(kl: Any, aggregation: str = "per_sample") -> float:
    """The Emo3D metric of a set from the divergences of its samples.

    Args:
        kl: (N,) nats, at least one.
        aggregation: ``per_sample``: the mean of the samples' values, as in the paper's eq. 6; ``pooled``: the
            value of the mean divergence, which the code that was released with the paper takes.

    Returns:
        A value in [0.5, 1], lower is better. By Jensen's inequality ``pooled`` is the larger one.
    """
    if aggregation not in AGGREGATIONS:
        raise ValueError(f"aggregation={aggregation!r} is not one of {', '.join(AGGREGATIONS)}")
    kl = as_float64(kl)
    if not kl.size:
        raise ValueError("there is no sample to aggregate")
    return float(emo3d_from_kl(kl).mean() if aggregation == "per_sample" else emo3d_from_kl(kl.mean()))


def _smooth(values: np.ndarray, eps: float) -> np.ndarray:
    smoothed = values + eps
    return smoothed / smoothed.sum(axis=-1, keepdims=True)
