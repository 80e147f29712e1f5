"""The scene of one visitor: one head, or two beside each other, and the camera before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.head_view import HeadView

if TYPE_CHECKING:
    from viser import ClientHandle, ViserServer

FIELD_OF_VIEW = np.deg2rad(20.0)
HEIGHT = 0.02
APART = 0.56
"""Half the distance of two heads' middles; a head is 1 high."""
DISTANCE = {1: 4.4, 2: 6.4}
LABEL_HEIGHT = -0.93
BACKGROUNDS = {False: ((236, 238, 241), (205, 210, 216)), True: ((58, 61, 66), (28, 30, 33))}
"""Dark page? → colours above and below."""


def places(heads: int) -> list[tuple[float, float, float]]:
    """Where the heads' middles lie."""
    return [(0.0, 0.0, 0.0)] if heads == 1 else [(-APART, 0.0, 0.0), (APART, 0.0, 0.0)]


def prepare(server: ViserServer, heads: int) -> None:
    """Settings that all visitors share: what is up, no lights (they are in the colours), first camera."""
    server.scene.set_up_direction("+y")
    server.scene.configure_environment_map(None)
    server.scene.configure_default_lights(False)
    server.initial_camera.fov = float(FIELD_OF_VIEW)
    server.initial_camera.position = (0.0, -0.1 + HEIGHT, DISTANCE[heads])
    server.initial_camera.look_at = (0.0, -0.1, 0.0)


class Stage:
    """The heads that a visitor sees."""

    def __init__(self, client: ClientHandle) -> None:
        self.client = client
        self.heads: list[HeadView] = []
        self._labels: list[object] = []
        self.set_background(dark=False)

    def show(self, appearance: Appearance, faces: Sequence[np.ndarray], names: Sequence[str]) -> None:
        """Put up one head for each face; ``names`` stand below where there are two."""
        moved = len(faces) != len(self.heads)
        self.clear()
        with self.client.atomic():
            for number, (face, place) in enumerate(zip(faces, places(len(faces)), strict=True)):
                self.heads.append(HeadView(self.client, f"head_{number}", appearance, face, place))
            if len(faces) > 1:
                self._label(names)
        if moved:
            self.face_camera()

    def move(self, faces: Sequence[np.ndarray], seconds: float) -> None:
        """Ease every head to its face."""
        for head, face in zip(self.heads, faces, strict=True):
            head.move_to(face, seconds)

    def face_camera(self) -> None:
        """Bring the camera back to the front."""
        with self.client.atomic():
            self.client.camera.up_direction = (0.0, 1.0, 0.0)
            self.client.camera.position = (0.0, -0.1 + HEIGHT, DISTANCE[max(1, len(self.heads))])
            self.client.camera.look_at = (0.0, -0.1, 0.0)  # after the position, which takes it along

    def set_background(self, dark: bool) -> None:
        """A soft gradient behind the heads."""
        above, below = (np.array(color, np.float32) for color in BACKGROUNDS[dark])
        rows = above + np.linspace(0, 1, 64, dtype=np.float32)[:, None] * (below - above)
        image = np.repeat(rows[:, None], 64, axis=1).round().astype(np.uint8)
        self.client.scene.set_background_image(image, format="png")

    def clear(self) -> None:
        """Take the heads away."""
        for head in self.heads:
            head.close()
        for label in self._labels:
            label.remove()  # type: ignore[attr-defined]
        self.heads, self._labels = [], []

    def close(self) -> None:
        """End the threads; the browser has gone."""
        for head in self.heads:
            head.close()

    def _label(self, names: Sequence[str]) -> None:
        for number, (name, place) in enumerate(zip(names, places(len(names)), strict=True)):
            position = (place[0], LABEL_HEIGHT, 0.0)
            label = self.client.scene.add_label(
                f"/name_{number}", name, position=position, anchor="center-center"
            )
            self._labels.append(label)
