"""A run, models and a visitor's browser that cost nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces import Rig
from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.runs import LoadedRun
from emo3d_exp.studio.state import neutral_face
from emo3d_exp.vocab import BLENDSHAPE_INDEX, BLENDSHAPES

SMILE = (BLENDSHAPE_INDEX["mouthSmileLeft"], BLENDSHAPE_INDEX["mouthSmileRight"])
JAW = BLENDSHAPE_INDEX["jawOpen"]


def answer_of(text: str) -> np.ndarray:
    """ "smile" smiles, "open" opens the jaw, "wink" shuts the left eye."""
    face = neutral_face()
    if "smile" in text:
        face[list(SMILE)] = 0.8
    if "open" in text:
        face[JAW] = 0.9
    if "wink" in text:
        face[BLENDSHAPE_INDEX["eyeBlinkLeft"]] = 1.0
    return face


def tiny_rig() -> Rig:
    """A tetrahedron whose first corner every blendshape moves, each in its own direction."""
    rng = np.random.default_rng(3)
    neutral = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, -1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]], np.int32)
    deltas = np.zeros((len(BLENDSHAPES) - 1, 4, 3), np.float32)
    deltas[:, 0] = rng.uniform(-0.3, 0.3, (len(deltas), 3))
    return Rig("tiny", neutral, faces, np.full((4, 3), 0.5, np.float32), deltas)


HOSTILE = "<img src=x onerror=alert(1)> **bold** [a](javascript:alert(1))"


class FakeModels:
    """The interface of ``Models``, with runs that are called "first" and "second"."""

    def __init__(self, appearance: Appearance, second: bool = False) -> None:
        self.first, self.second = Path("first"), Path("second") if second else None
        self.why, self.rig = f"a reason {HOSTILE}", "builtin"
        self.reader, self.no_reader = None, f"nobody reads {HOSTILE}"
        self.reader_known = threading.Event()
        self.reader_known.set()
        self.asked: list[str] = []
        self.broken = ""
        self._appearance = appearance

    def run(self, path: Path) -> LoadedRun:
        if path.name not in ("first", "second"):
            raise ConfigError(f"{path} is no run")
        if path.name == self.broken:
            raise ConfigError(f"{path} is broken")
        return LoadedRun(path, f"model {HOSTILE}", {"mse": 0.01}, _answers)  # type: ignore[arg-type]

    def choices(self) -> list[Path]:
        return [Path("first"), Path("second")]

    def head(self, rig: str) -> Appearance:
        if rig != "builtin":
            raise ConfigError(f"unknown rig '{rig}'")
        return self._appearance

    def rigs(self) -> list[str]:
        return ["builtin", "ict_facekit"]

    def predict(self, run: LoadedRun, text: str) -> np.ndarray:
        self.asked.append(text)
        face = answer_of(text)
        return face if run.path.name == "first" else 0.5 * face


def _answers(texts: list[str]) -> np.ndarray:
    return np.stack([answer_of(text) for text in texts])


def fake_client(number: int = 1) -> Any:
    """A visitor whose browser answers at once."""
    client = MagicMock(name=f"client {number}")
    client.client_id = number
    for name in ("add_html", "add_slider", "add_button", "add_markdown"):
        getattr(client.gui, name).side_effect = lambda *given, **named: MagicMock()
    client.gui.add_dropdown.side_effect = lambda *given, **named: FakeDropdown(*given[:2], **named)
    return client


class FakeDropdown:
    """A list of choices as viser keeps it: a value that changes is told, whoever changed it."""

    def __init__(self, label: str, options: tuple[str, ...], initial_value: str = "", hint: str = "") -> None:
        self.label, self._options, self._value = label, options, initial_value or options[0]
        self._told: list[Callable[[Any], None]] = []

    def on_update(self, told: Callable[[Any], None]) -> None:
        self._told.append(told)

    @property
    def options(self) -> tuple[str, ...]:
        return self._options

    @options.setter
    def options(self, options: tuple[str, ...]) -> None:
        self._options = tuple(options)
        if self._value not in self._options:
            self.value = self._options[0]

    @property
    def value(self) -> str:
        return self._value

    @value.setter
    def value(self, value: str) -> None:
        self._set(value, None)

    def choose(self, value: str) -> None:
        """As the visitor does in the browser."""
        self._set(value, "the visitor")

    def _set(self, value: str, client: str | None) -> None:
        assert value in self._options
        if value != self._value:
            self._value = value
            for told in self._told:
                told(SimpleNamespace(client=client))
