"""The values that a metric can take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A range of numbers whose ends are closed (the end belongs to it) or open.

    >>> 0.5 in Interval(0.5, 1.0, upper_open=True), 1.0 in Interval(0.5, 1.0, upper_open=True)
    (True, False)
    >>> str(Interval(0.5, 1.0, upper_open=True))
    '[0.5, 1)'
    """

    lower: float
    upper: float
    lower_open: bool = False
    upper_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.lower if self.lower_open else value >= self.lower
        below = value < self.upper if self.upper_open else value <= self.upper
        return bool(above and below)

    def __str__(self) -> str:
        start, end = "(" if self.lower_open else "[", ")" if self.upper_open else "]"
        return f"{start}{self.lower:g}, {self.upper:g}{end}"
