"""What a sweep varies, in Hydra's own syntax, as Optuna's distributions.

====================================  =====================================================
``choice(a, b)`` or ``a,b``           one of them, without an order
``range(1, 9, 2)``                    1, 3, 5, 7
``interval(0.1, 2)``                  any number from 0.1 to 2
``tag(log, interval(1e-4, 1e-2))``    the same, on a logarithmic scale
``int(interval(16, 512))``            whole numbers; also ``tag(int, log, interval(…))``
====================================  =====================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep, Transformer
from hydra.errors import HydraException

from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

Plain = str | int | float | bool | None


class Space:
    """Keys that vary, and overrides that every trial gets.

    Args:
        filed: key → values, of a sweep file. arguments: overrides of the command line, which win.
        config_loader: Hydra's, which ``glob(*)`` needs.

    Raises:
        ConfigError: a value cannot be read, or nothing varies.
    """

    def __init__(self, filed: Mapping[str, Any], arguments: Sequence[str], config_loader: Any = None) -> None:
        parser = OverridesParser.create(config_loader=config_loader)
        lines = [f"{key}={_text(key, value)}" for key, value in filed.items()]
        read = [_read(parser, line) for line in (*lines, *arguments)]
        last = {override.get_key_element(): override for override in read}
        self.swept = {key: override for key, override in last.items() if override.is_sweep_override()}
        self.fixed = [str(o.input_line) for key, o in last.items() if key not in self.swept]
        if not self.swept:
            raise ConfigError(
                "nothing varies in this sweep: give hydra.sweeper.space in its file, or a key on the command "
                "line, such as 'optimizer.lr=tag(log, interval(1e-4, 1e-2))'"
            )

    def described(self) -> dict[str, str]:
        """Key → its values, as they were written."""
        return {key: str(o.input_line).split("=", 1)[1] for key, o in self.swept.items()}

    def distributions(self) -> dict[str, BaseDistribution]:
        """Key → Optuna's distribution."""
        return {key: _distribution(key, override) for key, override in self.swept.items()}

    def overrides(self, params: Mapping[str, Plain]) -> list[str]:
        """Overrides of the trial with these values."""
        return [*self.fixed, *(f"{key}={written(params[key])}" for key in self.swept)]


def propose(trial: Trial, distributions: Mapping[str, BaseDistribution]) -> dict[str, Plain]:
    """Values of a trial: those that it has already, others by the study's sampler."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    found: dict[str, Plain] = {}
    for key, d in distributions.items():
        if isinstance(d, CategoricalDistribution):
            found[key] = trial.suggest_categorical(key, d.choices)
        elif isinstance(d, FloatDistribution):
            found[key] = trial.suggest_float(key, d.low, d.high, step=d.step, log=d.log)
        else:
            found[key] = trial.suggest_int(key, d.low, d.high, step=d.step, log=d.log)
    return found


def written(value: Plain) -> str:
    """A value as an override has it; texts stand as they were written."""
    return value if isinstance(value, str) else Override._get_value_element_as_str(value)


def _read(parser: OverridesParser, line: str) -> Override:
    try:
        return parser.parse_override(line)
    except HydraException as error:
        raise ConfigError(f"hydra.sweeper.space: {line}: {str(error).splitlines()[0]}") from error


def _text(key: str, value: Any) -> str:
    if isinstance(value, str | int | float | bool | None):
        return written(value)
    raise ConfigError(f"hydra.sweeper.space.{key}: write {value} as a text, such as 'choice(a, b)'")


def _distribution(key: str, override: Override) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution

    value = override.value()
    try:
        if isinstance(value, IntervalSweep):
            return _interval(value)
        if isinstance(value, RangeSweep) and not value.shuffle:
            return _range(value)
        return CategoricalDistribution(
            [_choice(each) for each in override.sweep_iterator(Transformer.identity)]
        )
    except (ValueError, HydraException) as error:
        raise ConfigError(f"{override.input_line}: {error}") from error


def _interval(value: IntervalSweep) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    if unknown := set(value.tags) - {"log", "int"}:
        raise ValueError(f"unknown tag {', '.join(sorted(unknown))}; there are log and int")
    low, high, log = value.start, value.end, "log" in value.tags
    assert low is not None and high is not None
    if "int" in value.tags or isinstance(
        low, int
    ):  # which int(…) has made of it: an interval's ends are floats
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _range(value: RangeSweep) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    values = sorted(value.range())
    if not values:
        raise ValueError("an empty range")
    step = abs(value.step)
    if all(isinstance(number, int) for number in values):
        return IntDistribution(int(values[0]), int(values[-1]), step=int(step))
    return FloatDistribution(float(values[0]), float(values[-1]), step=float(step))


def _choice(element: Any) -> Plain:
    if element is None or isinstance(element, bool | int | float):
        return element
    return Override._get_value_element_as_str(element)
