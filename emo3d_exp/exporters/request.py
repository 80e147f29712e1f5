"""What is to be exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.records import N_BLENDSHAPES

if TYPE_CHECKING:
    from emo3d_exp.faces import Look, Renderer, Rig

LIMITS = {"fps": (1.0, 240.0), "seconds": (0.1, 600.0), "size": (16, 4096)}
"""Lowest and highest value of the settings of :class:`ExportRequest`."""


@dataclass(frozen=True)
class ExportRequest:
    """Faces, and how they should be shown; the formats take from it what they need.

    Attributes:
        blendshapes: (B, 52) float32 in [0, 1]; what lies outside is clipped.
        rig: the face that wears them; None for the formats that hold scores alone.
        captions: B texts, or none: what each face answers.
        sample_id, text_number: (B,) int64 keys of prompts, or None where the faces belong to none.
        fps: frames a second of what moves; None: as usual for the format. seconds: for each face of what
            moves.
        size: pixels per side of pictures.
        look: whom pictures show, from where and in which light; None: the neutral look from the front.
        renderer: draws the pictures; None: one with its own settings is made of ``rig`` and ``size``.

    Raises:
        ConfigError: a setting is outside :data:`LIMITS`.
        ValueError: arrays or captions do not fit together, or scores are not finite.
    """

    blendshapes: np.ndarray
    rig: Rig | None = None
    captions: Sequence[str] = ()
    sample_id: np.ndarray | None = None
    text_number: np.ndarray | None = None
    fps: float | None = None
    seconds: float = 2.0
    size: int = 512
    look: Look | None = None
    renderer: Renderer | None = None

    def __post_init__(self) -> None:
        scores = np.atleast_2d(np.asarray(self.blendshapes, np.float32))
        if scores.ndim != 2 or scores.shape[1] != N_BLENDSHAPES or not len(scores):
            raise ValueError(f"expected (B, {N_BLENDSHAPES}) blendshapes, got {scores.shape}")
        if not np.isfinite(scores).all():
            raise ValueError("blendshapes hold numbers that are not finite")
        for name, values in (("captions", self.captions or None), ("sample_id", self.sample_id)):
            if values is not None and len(values) != len(scores):
                raise ValueError(f"{len(scores)} faces but {len(values)} {name}")
        object.__setattr__(self, "blendshapes", scores.clip(0, 1))
        # bytes of a command line that are no text arrive as characters that cannot be written
        captions = (str(caption).encode("utf-8", "replace").decode() for caption in self.captions)
        object.__setattr__(self, "captions", tuple(captions))
        for name, (low, high) in LIMITS.items():
            if (value := getattr(self, name)) is not None:
                _check(name, value, low, high)

    def __len__(self) -> int:
        return len(self.blendshapes)

    def weights(self) -> np.ndarray:
        """(B, 51) float32 weights of the rig's morph targets: eyes yield to a blink."""
        return self.needed_rig().weights(self.blendshapes)

    def needed_rig(self) -> Rig:
        """The rig. Raises ValueError where there is none."""
        if self.rig is None:
            raise ValueError("this format shows a rig; give one, such as rig=load_rig()")
        return self.rig

    def colors(self) -> np.ndarray:
        """(V, 3) float32 linear RGB as the renderer paints the rig; a rig without masks keeps its own."""
        from emo3d_exp.faces.paint import paint_rig

        rig = self.needed_rig()
        return paint_rig(rig) if rig.masks else rig.colors

    def drawing(self) -> Renderer:
        """The renderer given, or one made here."""
        if self.renderer is not None:
            return self.renderer
        from emo3d_exp.faces import Renderer

        return Renderer(self.needed_rig(), size=self.size)


def _check(name: str, value: object, low: float, high: float) -> None:
    kind = int if isinstance(low, int) else (int, float)
    if not isinstance(value, kind) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigError(f"{name}={value}: give a {'whole ' * (kind is int)}number from {low} to {high}")
