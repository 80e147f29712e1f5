"""People at random: who they are, how they wear their hair, how they are lit."""

from __future__ import annotations

import numpy as np

from emo3d_exp.faces.identity import TRAITS, Identity
from emo3d_exp.faces.looks import AGES, BEARDS, GENDERS, Color, Look
from emo3d_exp.faces.shading import Light

SKIN_TONES = np.array(
    [
        [0.95, 0.80, 0.73],
        [0.91, 0.73, 0.63],
        [0.84, 0.65, 0.53],
        [0.75, 0.55, 0.42],
        [0.62, 0.43, 0.32],
        [0.48, 0.32, 0.235],
        [0.36, 0.235, 0.175],
        [0.27, 0.175, 0.135],
    ]
)
"""Lightest to darkest; a tone is a point on the line through them."""

HAIR_COLORS = np.array(
    [
        [0.08, 0.065, 0.06],
        [0.13, 0.095, 0.075],
        [0.23, 0.15, 0.10],
        [0.36, 0.24, 0.15],
        [0.52, 0.37, 0.22],
        [0.70, 0.54, 0.34],
    ]
)
RED_HAIR = np.array([0.45, 0.20, 0.10])
GREY_HAIR = np.array([0.60, 0.59, 0.58])
IRIS_COLORS = np.array(
    [[0.20, 0.12, 0.07], [0.33, 0.21, 0.11], [0.42, 0.33, 0.18], [0.33, 0.43, 0.30], [0.32, 0.46, 0.60]]
)


def random_look(rng: np.random.Generator, age: str | None = None, gender: str | None = None) -> Look:
    """A person, light and camera at random; age and gender show where they are given.

    Args:
        rng: the only source of chance.
        age: one of :data:`AGES`, or None for any.
        gender: one of :data:`GENDERS`, or None for any.
    """
    if age is not None and age not in AGES:
        raise ValueError(f"age '{age}' is not one of {AGES}")
    if gender is not None and gender not in GENDERS:
        raise ValueError(f"gender '{gender}' is not one of {GENDERS}")
    drawn_age, drawn_gender = rng.choice(AGES, p=[0.15, 0.35, 0.3, 0.2]), rng.choice(GENDERS)
    age, gender = age or str(drawn_age), gender or str(drawn_gender)
    tone = float(rng.random())
    colors = _colors(rng, tone, age, gender)
    return Look(
        **colors,
        **_amounts(rng, age, gender),
        **_hair(rng, tone, age, gender),
        beard=_beard(rng, age, gender),
        freckles=float(rng.uniform(0.3, 1.0)) if tone < 0.3 and rng.random() < 0.25 else 0.0,
        identity=_identity(rng, age, gender),
        light=_light(rng, tone),
        background=_color(rng.uniform(0.35, 0.97) + rng.normal(0, 0.03, 3)),
        yaw=_bounded(rng, 7, 18),
        pitch=_bounded(rng, 3.5, 9),
        roll=_bounded(rng, 2.5, 7),
        fov=float(rng.uniform(14, 24)),
        framing=float(rng.uniform(0.90, 1.0)),
    )


def _bounded(rng: np.random.Generator, sd: float, limit: float) -> float:
    return float(np.clip(rng.normal(0, sd), -limit, limit))


def _color(values: np.ndarray) -> Color:
    r, g, b = np.clip(values, 0.01, 0.99).tolist()
    return r, g, b


def _on_line(points: np.ndarray, where: float) -> np.ndarray:
    steps = np.linspace(0, 1, len(points))
    return np.array([np.interp(where, steps, column) for column in points.T])


def _colors(rng: np.random.Generator, tone: float, age: str, gender: str) -> dict[str, Color]:
    warmth = rng.normal(0, 0.016)  # between rosy and olive
    skin = _on_line(SKIN_TONES, tone) * (1 + rng.normal(0, 0.012, 3) + warmth * np.array([0.3, -1.0, -1.4]))
    if age == "old":
        skin = skin @ (0.88 * np.eye(3) + 0.12 / 3) * np.array([1.0, 0.985, 0.95])
    redness = {"female": 0.8, "male": 0.3}[gender] * (0.4 if age in ("child", "old") else 1.0)
    lip = skin * np.array([0.92, 0.68, 0.68]) + redness * rng.uniform(0.1, 0.9) * np.array(
        [0.04, -0.12, -0.08]
    )
    fair = max(0.0, 1 - tone * 2.2)
    hair = _on_line(HAIR_COLORS, fair * rng.random() ** 0.6) if rng.random() > 0.12 * fair else RED_HAIR
    brow = hair * 0.75 + 0.02
    grey = {"old": rng.uniform(0.65, 1.0), "middle": max(0.0, rng.uniform(-0.8, 0.45))}.get(age, 0.0)
    hair = hair * (1 - grey) + GREY_HAIR * rng.uniform(0.8, 1.2) * grey
    brow = brow * (1 - 0.6 * grey) + GREY_HAIR * 0.75 * 0.6 * grey
    iris = _on_line(IRIS_COLORS, max(0.0, fair) * rng.random()) * (1 + rng.normal(0, 0.08))
    return {k: _color(v) for k, v in dict(skin=skin, lip=lip, hair=hair, brow=brow, iris=iris).items()}


def _amounts(rng: np.random.Generator, age: str, gender: str) -> dict[str, float]:
    bearded = gender == "male" and age != "child" and rng.random() < 0.6
    lines = {"child": (0.0, 0.0), "young": (0.0, 0.05), "middle": (0.25, 0.55), "old": (0.8, 1.0)}[age]
    wrinkles = {"child": 0.45, "young": 0.9, "middle": 1.05, "old": 1.25}[age]
    brows = {"female": 0.75, "male": 1.2}[gender] * (0.7 if age == "child" else 1.0)
    return {
        "brow_weight": float(brows * rng.uniform(0.85, 1.15)),
        "lip_color": float({"female": 0.85, "male": 0.55}[gender] * rng.uniform(0.85, 1.1)),
        "blush": float(rng.uniform(0.15, 0.5) + (0.25 if age == "child" else 0.0)),
        "stubble": float(rng.uniform(0.1, 0.8)) if bearded else 0.0,
        "age_lines": float(rng.uniform(*lines)),
        "wrinkles": wrinkles,
    }


_STYLES_BY_GENDER = {
    "female": {
        "long": 24,
        "wavy": 20,
        "bob": 16,
        "fringe": 11,
        "ponytail": 11,
        "bun": 9,
        "curly": 6,
        "short": 3,
    },
    "male": {"short": 38, "side_part": 36, "buzz": 15, "curly": 11},
}
_STYLES_OF_THE_OLD = {
    "female": {"bob": 34, "bun": 20, "short": 16, "curly": 14, "ponytail": 10, "wavy": 6},
    "male": {"short": 50, "side_part": 38, "buzz": 12},
}
_BALD = {"child": 0.0, "young": 0.03, "middle": 0.12, "old": 0.25}


def _hair(rng: np.random.Generator, tone: float, age: str, gender: str) -> dict[str, object]:
    """Style, parting and receding; dark skin is met with curls and cropped hair more often."""
    shares = dict((_STYLES_OF_THE_OLD if age == "old" else _STYLES_BY_GENDER)[gender])
    if tone > 0.6:
        for style in ("curly", "buzz", "bun"):
            shares[style] = 2.5 * shares.get(style, 0)
        for style in ("side_part", "bob", "fringe"):
            shares[style] = 0.3 * shares.get(style, 0)
    weights = np.array(list(shares.values()), float)
    style = str(rng.choice(list(shares), p=weights / weights.sum()))
    bald, receded = rng.random(2)
    if gender == "male" and bald < _BALD[age]:
        style = "bald"
    receding = {"middle": 0.5, "old": 1.0}.get(age, 0.0) if gender == "male" and receded < 0.5 else 0.0
    return {"hair_style": style, "parting": str(rng.choice(["left", "right"])), "receding": receding}


def _beard(rng: np.random.Generator, age: str, gender: str) -> str:
    grown = rng.random() < {"child": 0.0, "young": 0.22, "middle": 0.35, "old": 0.30}[age]
    beard = str(rng.choice(BEARDS[1:], p=[0.2, 0.25, 0.55]))
    return beard if grown and gender == "male" else "none"


def _identity(rng: np.random.Generator, age: str, gender: str) -> Identity:
    traits = dict(zip((*TRAITS, "masculinity"), rng.normal(0, 0.8, len(TRAITS) + 1), strict=True))
    lean = 0.35 if age == "child" else 1.0
    traits["masculinity"] = lean * {"female": -1.0, "male": 1.0}[gender] + 0.3 * traits["masculinity"]
    shifts = {
        "child": {"face_length": -2.8, "eye_size": 2.6, "cheek_fullness": 2.2, "nose_length": -1.6,
                  "nose_depth": -1.5, "chin": -1.5, "brow_ridge": -1.0, "neck_width": -2.0,
                  "jaw_width": -0.6},
        "old": {"nose_length": 1.0, "lip_fullness": -1.0, "brow_height": -0.5, "cheek_fullness": -1.0},
    }.get(age, {})  # fmt: skip
    for trait, shift in shifts.items():
        traits[trait] = 0.6 * traits[trait] + shift
    return Identity(**{trait: float(np.clip(value, -3, 3)) for trait, value in traits.items()})


def _light(rng: np.random.Generator, tone: float) -> Light:
    direction = (float(rng.uniform(-0.8, 0.8)), float(rng.uniform(0.1, 0.8)), float(rng.uniform(0.6, 1.0)))
    ambient = float(rng.uniform(0.32, 0.55))
    lift = 1 + 0.25 * tone
    return Light(
        direction=direction,
        ambient=ambient * lift,
        key=float(rng.uniform(0.90, 1.05) - ambient) * lift,
        fill=float(rng.uniform(0.08, 0.22)),
        specular=float(rng.uniform(0.03, 0.07)),
    )
