"""Under which cameras, lights and identities a face is judged."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import ConfigError

if TYPE_CHECKING:
    from emo3d_exp.faces import Look

CAMERA = ("yaw", "pitch", "roll", "fov", "framing")
LIGHT = ("light", "background")
VARIED = ("camera", "light", "identity")
AVERAGES = ("features", "values")


@dataclass(frozen=True)
class LookSettings:
    """Every face is drawn under the same looks, so that what one look hides decides nothing.

    Attributes:
        count: of looks. The first is the neutral studio portrait, the others are drawn at random.
        vary: what the others change: ``camera`` (pose of the head, lens), ``light`` (with the background),
            ``identity`` (proportions, skin, hair, age, gender; nothing on a rig without masks).
        average: ``values``: a retrieval for each look, whose values are averaged, which tells changed
            emotions better (docs/meta_evaluation.md); ``features``: one retrieval by the mean of their unit
            features.
        seed: of the draw; leave it alone to compare runs.

    Raises:
        ConfigError: a number or a word that cannot be.
    """

    count: int = 4
    vary: Sequence[str] = VARIED
    average: str = "values"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"metric.looks.count={self.count} must be at least 1")
        if self.seed < 0:
            raise ConfigError(f"metric.looks.seed={self.seed} must not be negative")
        if unknown := [name for name in self.vary if name not in VARIED]:
            raise ConfigError(f"metric.looks.vary: {', '.join(unknown)} is not one of {', '.join(VARIED)}")
        if self.average not in AVERAGES:
            raise ConfigError(f"metric.looks.average={self.average!r} is not one of {', '.join(AVERAGES)}")
        if self.count > 1 and not self.vary:
            raise ConfigError(f"metric.looks.count={self.count} with vary=[]: all looks would be the same")

    def looks(self) -> list[Look]:
        """The looks, the same whenever they are asked for; a longer list begins with a shorter one."""
        from emo3d_exp.faces import Look, random_look

        rng = np.random.default_rng(self.seed)
        return [Look()] + [self._kept(random_look(rng), Look()) for _ in range(self.count - 1)]

    def _kept(self, drawn: Look, neutral: Look) -> Look:
        names = {
            "camera": CAMERA,
            "light": LIGHT,
            "identity": tuple(f.name for f in fields(neutral) if f.name not in (*CAMERA, *LIGHT)),
        }
        return replace(neutral, **{name: getattr(drawn, name) for part in self.vary for name in names[part]})

    def facts(self) -> dict[str, object]:
        """What the provenance of a result says."""
        return {
            "count": self.count,
            "vary": sorted(self.vary) if self.count > 1 else [],
            "average": self.average if self.count > 1 else None,
            "seed": self.seed if self.count > 1 else None,
        }


def look_key(look: Look) -> str:
    """A name for a look in the cache: empty for the neutral one, else 16 hex digits."""
    from emo3d_exp.faces import Look

    return "" if look == Look() else hashlib.sha256(repr(look).encode()).hexdigest()[:16]
