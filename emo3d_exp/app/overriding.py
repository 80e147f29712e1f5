"""A run's config with what the command line gives of it."""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf


def paths_given(keys: Sequence[str]) -> list[str]:
    """Where overrides such as ``+metric.k`` or ``backbone@metric.judge`` land; whole groups come first."""
    return sorted((key.lstrip("+~").split("@")[-1] for key in keys), key=lambda path: path.count("."))


def overridden(own: DictConfig, cfg: DictConfig, keys: Sequence[str], groups: Sequence[str]) -> DictConfig:
    """A copy of ``own`` in which whole groups, or single keys of them, stand as in ``cfg``.

    Args:
        own: a run's config. cfg: composed from the command line.
        keys: of the overrides, such as ``metric``, ``metric.k`` or ``backbone@metric.judge``.
        groups: those that may be replaced; other keys are passed over.
    """
    own = own.copy()
    OmegaConf.set_struct(own, False)
    for path in paths_given(keys):
        if path.split(".")[0] in groups:
            OmegaConf.update(own, path, OmegaConf.select(cfg, path), merge=False)
    OmegaConf.set_struct(own, True)
    return own
