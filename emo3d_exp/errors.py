"""Errors whose message is meant for the person at the keyboard."""

from __future__ import annotations


class Emo3DError(Exception):
    """A problem that the user can mend: the message names the file, row or key and the cure.

    The scripts print the message alone, without a traceback, and exit with status 2.
    """


class ConfigError(Emo3DError):
    """A setting, or a combination of settings, that cannot work."""


class DataError(Emo3DError):
    """A table, image or archive that does not hold what it should."""


class WeightsUnavailableError(Emo3DError):
    """Weights that are neither on this machine nor reachable."""


class DivergedError(Emo3DError):
    """A training whose validation error never was a number."""


class StoppedError(Emo3DError):
    """Work that ended early with all that was done kept, such as at a limit of what may be spent: the same
    command goes on."""
