"""One head in one visitor's scene."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.studio.appearance import Appearance, Surface
from emo3d_exp.studio.easing import ease
from emo3d_exp.studio.latest import Latest, VisitorLeft
from emo3d_exp.studio.moving_mesh import moving_mesh, still_mesh

if TYPE_CHECKING:
    from viser import ClientHandle

HOLD = 0.06
"""Seconds that a mesh keeps its first pose: the old one, equal to it, is taken away meanwhile."""

PARSING = 0.05
"""Seconds that a browser takes from the message to the mesh on the screen, roughly."""

PATIENCE = 5.0


@dataclass(frozen=True)
class Motion:
    """Where a head comes from and goes to; times are ``time.monotonic()``."""

    start: Surface
    end: Surface
    begin: float
    seconds: float

    def at(self, now: float) -> Surface:
        """The surface on the screen at a time."""
        part = 1.0 if self.seconds <= 0 else float(ease((now - self.begin) / self.seconds))
        return self.end if part >= 1 else self.start.toward(self.end, part)


class HeadView:
    """Shows a face and moves it to others, with everything that the browser needs in one message each.

    viser can replace the vertices of a mesh only where it has one colour. So each move is sent as a glTF
    file that holds its first pose, one morph target and the clip between them; the browser plays it at the
    rate of its screen. It is laid over the mesh before it, which looks the same at that moment and is then
    removed. When nothing follows, a mesh without a clip takes its place, so that an idle page draws nothing.

    Args:
        client: the visitor. name: of the node in the scene. position: of the head's middle.
    """

    def __init__(
        self,
        client: ClientHandle,
        name: str,
        appearance: Appearance,
        blendshapes: np.ndarray,
        position: tuple[float, float, float],
    ) -> None:
        self.client, self.name, self.position = client, name, position
        self.appearance = appearance
        self.blendshapes = blendshapes
        self.arrivals = 0
        self._numbers = count()
        surface = appearance(blendshapes)
        self._motion = Motion(surface, surface, 0.0, 0.0)
        self._node = self._add(self._still(surface))
        self._worker: Latest[tuple[np.ndarray, float]] = Latest(self._move, name=f"head {name}")

    def move_to(self, blendshapes: np.ndarray, seconds: float = 0.4) -> None:
        """Ease to ``(52,)`` scores; a move that is under way is left where it stands."""
        self.blendshapes = np.asarray(blendshapes, np.float32)
        self._worker.put((self.blendshapes, seconds))

    def shown(self) -> Surface:
        """What the visitor sees now, as far as this side can know."""
        return self._motion.at(time.monotonic())

    def close(self, remove: bool = True) -> None:
        """End the thread, and take the head out of the scene."""
        self._worker.close(wait=2.0)
        if remove:
            self._node.remove()

    def _move(self, target: tuple[np.ndarray, float]) -> None:
        blendshapes, seconds = target
        end = self.appearance(blendshapes)
        start = self.shown()
        mesh = moving_mesh(start, end, self.appearance, seconds, HOLD)
        old, self._node = self._node, self._add(mesh)
        self._await_browser()
        self._motion = Motion(start, end, time.monotonic() + PARSING + HOLD, seconds)
        time.sleep(PARSING + HOLD / 2)
        old.remove()
        if self._worker.newer(HOLD + seconds):
            return
        self.arrivals += 1
        old, self._node = self._node, self._add(self._still(end))
        self._await_browser()
        time.sleep(2 * PARSING)
        old.remove()

    def _still(self, surface: Surface) -> bytes:
        return still_mesh(surface, self.appearance)

    def _add(self, mesh: bytes) -> Any:
        node = self.client.scene.add_glb(f"/{self.name}/{next(self._numbers)}", mesh, position=self.position)
        self.client.flush()
        return node

    def _await_browser(self) -> None:
        """Return when the browser has worked off what was sent: it answers messages in their order."""
        try:
            self.client.local_storage.get_item("emo3d_exp", timeout=PATIENCE)
        except TimeoutError:
            return  # a page in the background; it will catch up
        except RuntimeError as error:
            if "disconnected" in str(error):
                raise VisitorLeft from error
            time.sleep(2 * PARSING)  # a browser that forbids local storage cannot answer
