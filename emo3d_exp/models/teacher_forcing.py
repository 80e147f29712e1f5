"""How often a training sample sees its true emotions instead of those that the model reads."""

from __future__ import annotations

from abc import ABC, abstractmethod

from emo3d_exp.errors import ConfigError


class TeacherForcing(ABC):
    """The probability, per training sample and epoch, that the truth is given."""

    @abstractmethod
    def ratio(self, epoch: int, max_epochs: int) -> float:
        """Probability in [0, 1] in ``epoch``, which counts from 0, of ``max_epochs``."""


class FixedRatio(TeacherForcing):
    """The same in every epoch.

    Args:
        ratio: in [0, 1].

    Raises:
        ConfigError: it is not in [0, 1].
    """

    def __init__(self, ratio: float) -> None:
        self.value = _checked("ratio", ratio)

    def ratio(self, epoch: int, max_epochs: int) -> float:
        return self.value


class ScheduledRatio(TeacherForcing):
    """From ``start`` in the first epoch to ``end`` in the last, in equal steps.

    Args:
        start, end: in [0, 1].

    Raises:
        ConfigError: one is not in [0, 1].
    """

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = _checked("start", start), _checked("end", end)

    def ratio(self, epoch: int, max_epochs: int) -> float:
        """See ``TeacherForcing.ratio``. Raises ConfigError where the number of epochs is not limited."""
        if max_epochs < 1:
            raise ConfigError(f"teacher_forcing=scheduled needs trainer.max_epochs, which is {max_epochs}")
        part = min(epoch / (max_epochs - 1), 1.0) if max_epochs > 1 else 0.0
        return self.start + (self.end - self.start) * part


def _checked(name: str, ratio: float) -> float:
    if not 0 <= ratio <= 1:
        raise ConfigError(f"teacher_forcing.{name}={ratio} must be in [0, 1]")
    return float(ratio)
