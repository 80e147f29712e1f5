"""Facial action units (FACS) and what they are in blendshapes and in emotions.

Sources:
    * P. Ekman, W. V. Friesen, J. C. Hager: Facial Action Coding System, 2002 — what each unit does.
    * W. V. Friesen, P. Ekman: EMFACS-7: Emotional Facial Action Coding System, 1983 — which units
      make which emotion; P. Ekman, W. V. Friesen: A new pan-cultural facial expression of emotion,
      Motivation and Emotion 10, 1986 — contempt is one-sided.
    * Apple, ARKit ``ARFaceAnchor.BlendShapeLocation`` — what each blendshape does. The pairing of units
      and blendshapes follows from the two descriptions; the weights are ours, set by eye on renders.
"""

from __future__ import annotations

UNIT_BLENDSHAPES: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 1.0},
    2: {"browOuterUp": 1.0},
    4: {"browDown": 1.0},
    5: {"eyeWide": 1.0},
    6: {"cheekSquint": 1.0, "eyeSquint": 0.35},
    7: {"eyeSquint": 0.9},
    9: {"noseSneer": 1.0, "browDown": 0.3, "mouthUpperUp": 0.2, "eyeSquint": 0.3},
    10: {"mouthUpperUp": 0.8, "noseSneer": 0.3},
    12: {"mouthSmile": 1.0},
    14: {"mouthDimple": 1.0},
    15: {"mouthFrown": 1.0},
    17: {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.3},
    20: {"mouthStretch": 1.0},
    23: {"mouthPress": 0.35, "mouthRollLower": 0.55, "mouthRollUpper": 0.4, "mouthFunnel": 0.12},
    24: {"mouthPress": 1.0, "mouthRollLower": 0.3, "mouthRollUpper": 0.2},
    25: {"mouthLowerDown": 0.6, "mouthUpperUp": 0.35},
    26: {"jawOpen": 0.75},
    45: {"eyeBlink": 1.0},
    64: {"eyeLookDown": 1.0},
}
"""Action unit → blendshapes at full contraction; names without a side stand for both sides."""

EMOTION_UNITS: dict[str, dict[int, float]] = {
    "happiness": {6: 0.8, 12: 0.95, 25: 0.45, 26: 0.12},
    "surprise": {1: 0.95, 2: 0.95, 5: 0.9, 25: 0.2, 26: 0.8},
    "sadness": {1: 0.95, 4: 0.35, 15: 0.95, 17: 0.55, 45: 0.12, 64: 0.3},
    "anger": {4: 1.0, 5: 0.3, 7: 0.65, 23: 0.3, 24: 0.6, 9: 0.15},
    "disgust": {9: 0.9, 10: 0.65, 17: 0.35, 7: 0.3, 25: 0.2},
    "fear": {1: 0.95, 2: 0.6, 4: 0.45, 5: 0.95, 20: 0.95, 25: 0.3, 26: 0.4},
    "contempt": {12: 0.55, 14: 1.0, 7: 0.15},
}
"""Emotion → contraction of its units at intensity 1: the EMFACS core, and weakly what often goes along."""

VARIANTS: dict[str, tuple[tuple[float, dict[int, float]], ...]] = {
    "happiness": (
        (0.55, {}),
        (0.25, {25: 0.05, 26: 0.0}),
        (0.12, {6: 0.25}),
        (0.08, {25: 1.7, 26: 3.5}),
    ),
    "surprise": ((0.7, {}), (0.3, {25: 0.5, 26: 0.45})),
    "sadness": ((0.6, {}), (0.25, {17: 0.2, 64: 2.0}), (0.15, {17: 1.5, 15: 0.7})),
    "anger": (
        (0.5, {}),
        (0.3, {23: 2.6, 24: 0.1}),
        (0.2, {23: 0.0, 24: 0.0, 9: 3.5, 10: 0.6, 25: 0.7, 26: 0.3}),
    ),
    "disgust": ((0.55, {}), (0.25, {9: 0.55, 10: 1.35}), (0.2, {10: 0.35, 17: 1.8, 25: 0.0})),
    "fear": ((0.65, {}), (0.2, {26: 1.8, 20: 0.75}), (0.15, {25: 0.3, 26: 0.1})),
    "contempt": ((0.55, {}), (0.25, {12: 0.4}), (0.2, {10: 0.12})),
}
"""Emotion → (probability, change of its units): a factor for units that it has, a contraction for others.

For instance closed, social (weak 6) and laughing smiles; lips tightened (23), pressed (24) or teeth bared.
The first one is the prototype.
"""

ONE_SIDED: tuple[str, ...] = ("contempt",)
