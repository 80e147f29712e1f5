"""What texts are asked for: a balanced grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TextPlan:
    """The values of each factor, in the order in which they are balanced.

    Attributes:
        emotions, intensities, styles, ages, genders, themes: all not empty.
    """

    emotions: Sequence[str]
    intensities: Sequence[str]
    styles: Sequence[str]
    ages: Sequence[str]
    genders: Sequence[str]
    themes: Sequence[str]

    def cells(self, count: int, seed: int) -> list[tuple[str, ...]]:
        """For each of ``count`` samples one value of every factor.

        The emotions occur equally often, up to one; within each the intensities do, within those the styles,
        and so on. Fewer samples are the beginning of more.
        """
        factors = (self.emotions, self.intensities, self.styles, self.ages, self.genders, self.themes)
        endless = _balanced(factors, np.random.default_rng(seed))
        return [next(endless) for _ in range(count)]


def _balanced(factors: Sequence[Sequence[str]], rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Every value of the first factor in turn, in an order drawn anew each time, each with what is next of
    the other factors for that value."""
    if not factors:
        while True:
            yield ()
    below = {value: _balanced(factors[1:], rng) for value in factors[0]}
    while True:
        for place in rng.permutation(len(factors[0])):
            value = factors[0][place]
            yield (value, *next(below[value]))
