"""What one visitor has said and set; nothing in here knows of the page."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from emo3d_exp.studio.history import History
from emo3d_exp.vocab import BLENDSHAPES, MIRROR_PERMUTATION


def neutral_face() -> np.ndarray:
    """``(52,)`` float32 zeros."""
    return np.zeros(len(BLENDSHAPES), np.float32)


@dataclass
class VisitorState:
    """One visitor's faces: what the runs answered, and what the visitor made of it.

    Attributes:
        text: that the answers belong to; empty: nobody asked.
        answers: one ``(52,)`` face a run, as predicted. faces: the same after sliders and mirror.
        history: texts to go back to.
    """

    text: str = ""
    answers: list[np.ndarray] = field(default_factory=lambda: [neutral_face()])
    faces: list[np.ndarray] = field(default_factory=lambda: [neutral_face()])
    history: History = field(default_factory=History)

    def answer(self, text: str, answers: list[np.ndarray]) -> None:
        """Take the runs' answers to a text; slider settings end here."""
        self.text, self.answers = text, [np.asarray(face, np.float32) for face in answers]
        self.faces = [face.copy() for face in self.answers]
        self.history.add(text)

    def set_score(self, index: int, value: float, both_sides: bool = False) -> list[int]:
        """Set a score of the first face; with ``both_sides`` its mirror image too. The changed indices."""
        changed = {index, int(MIRROR_PERMUTATION[index])} if both_sides else {index}
        self.faces[0] = self.faces[0].copy()
        self.faces[0][list(changed)] = np.float32(np.clip(value, 0.0, 1.0))
        return sorted(changed)

    def mirror(self) -> None:
        """Swap left and right in every face."""
        self.faces = [face[MIRROR_PERMUTATION] for face in self.faces]

    def rest(self) -> None:
        """Make every face neutral; the answers stay, to come back to."""
        self.faces = [neutral_face() for _ in self.faces]

    def restore(self) -> None:
        """Take back what sliders and buttons did."""
        self.faces = [face.copy() for face in self.answers]
