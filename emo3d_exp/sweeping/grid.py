"""``hydra/sweeper=basic``: Hydra's own sweep over all combinations, which begins sooner.

A script that sweeps is to import it after Hydra has looked for plug-ins, which loads the module of its own
sweeper anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

ALIAS = "hydra_plugins.emo3d_exp.GridSweeper"
"""Hydra builds sweepers of that package alone; the class stays where it is."""


@dataclass
class GridSweeperConf(BasicSweeperConf):
    """Fields and types of Hydra's own."""

    _target_: str = ALIAS


class GridSweeper(BasicSweeper):
    """Every combination of what is given, as Hydra's own sweeper has them.

    That one composes the config of every job before the first begins, so that a mistake is told at once.
    Here of jobs that differ in numbers alone, which no config refuses, one is composed.
    """

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Raise what composing any of the jobs' configs would raise."""
        assert self.hydra_context is not None
        loader = self.hydra_context.config_loader
        given = list({override for job in batch for override in job})
        parsed = OverridesParser.create(loader).parse_overrides(given)
        telling = {text for text, override in zip(given, parsed, strict=True) if tells(override, loader)}
        unlike = dict[tuple[str, ...], Sequence[str]]()
        for job in batch:
            unlike.setdefault(tuple(each for each in job if each in telling), job)
        super().validate_batch_is_legal(list(unlike.values()))


def tells(override: Override, loader: ConfigLoader) -> bool:
    """Whether a config may be refused for the override's value, not for its key alone: anything but numbers
    and truth values, which are no choice of a group, no interpolation and nothing to delete, and any of
    Hydra's own settings, which have types.
    """
    if override.is_delete() or override.is_hydra_override() or override.package is not None:
        return True
    if loader.get_group_options(override.key_or_group):
        return True
    return not isinstance(override.value(), int | float | bool)
