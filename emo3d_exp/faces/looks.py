"""How a face is shown: person, light, camera."""

from __future__ import annotations

from dataclasses import dataclass, field

from emo3d_exp.faces.hair_styles import STYLES
from emo3d_exp.faces.identity import Identity
from emo3d_exp.faces.shading import Light

AGES: tuple[str, ...] = ("child", "young", "middle", "old")
GENDERS: tuple[str, ...] = ("female", "male")
HAIR_STYLES: tuple[str, ...] = tuple(STYLES)
BEARDS: tuple[str, ...] = ("none", "moustache", "goatee", "full")

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """Everything about a picture but the expression; ``Look()`` is a neutral studio portrait.

    Colours are sRGB in [0, 1], amounts lie in [0, 1] with 0 for none, angles are degrees. A rig without
    masks keeps its own colours and proportions: only light, background, head pose and camera apply.

    Attributes:
        skin, lip, hair, brow, iris: colours.
        hair_style: one of :data:`HAIR_STYLES`.
        parting: the subject's side, "left" or "right", of a style that has one.
        receding: how far the temples are bare.
        beard: one of :data:`BEARDS`, in the colour of the brows.
        freckles: how far they show.
        brow_weight: thickness of the brows; 1 as modelled, below thinner, above bushier.
        lip_color: how far ``lip`` covers the skin of the lips.
        blush: redness of cheeks and nose.
        stubble, age_lines: beard shadow, lines that stay in the neutral face.
        wrinkles: strength of the folds that expressions make.
        identity: proportions of the head.
        light: directions and strengths.
        background: colour behind the head.
        yaw, pitch, roll: head pose; positive yaw turns to the subject's left, positive pitch down,
            positive roll tilts to the subject's left shoulder.
        fov: vertical field of view; small is a long lens. The distance follows, so that size stays.
        framing: 1 shows the whole head, larger comes closer.
    """

    skin: Color = (0.85, 0.66, 0.56)
    lip: Color = (0.72, 0.42, 0.40)
    hair: Color = (0.20, 0.14, 0.10)
    brow: Color = (0.23, 0.16, 0.12)
    iris: Color = (0.36, 0.25, 0.15)
    hair_style: str = "short"
    parting: str = "left"
    receding: float = 0.0
    beard: str = "none"
    freckles: float = 0.0
    brow_weight: float = 1.0
    lip_color: float = 0.75
    blush: float = 0.35
    stubble: float = 0.0
    age_lines: float = 0.0
    wrinkles: float = 1.0
    identity: Identity = field(default_factory=Identity)
    light: Light = field(default_factory=Light)
    background: Color = (0.87, 0.87, 0.88)
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    fov: float = 18.0
    framing: float = 1.0

    def __post_init__(self) -> None:
        if self.hair_style not in HAIR_STYLES:
            raise ValueError(f"hair_style '{self.hair_style}' is not one of {HAIR_STYLES}")
        if self.beard not in BEARDS or self.parting not in ("left", "right"):
            raise ValueError(
                f"beard '{self.beard}' is not one of {BEARDS}, or parting '{self.parting}' no side"
            )
        if not 1 <= self.fov <= 90 or self.framing <= 0:
            raise ValueError(f"fov {self.fov} must lie in 1…90 and framing {self.framing} above 0")
