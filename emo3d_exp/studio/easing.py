"""How a face goes from one expression to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

KEYS: np.ndarray = np.linspace(0.0, 1.0, 25)
"""Times at which the motion is sampled, as parts of its length; the browser draws straight lines between."""


def ease(part: Any) -> Any:
    """Smooth start and stop: ``6t^5 - 15t^4 + 10t^3`` of ``part`` in [0, 1] (clipped), from 0 to 1."""
    t = np.clip(part, 0.0, 1.0)
    return t * t * t * (t * (6.0 * t - 15.0) + 10.0)
