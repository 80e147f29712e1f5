"""One head in one visitor's scene."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.studio.appearance import Appearance, Surface
from emo3d_exp.studio.easing import ease
from emo3d_exp.studio.latest import Latest, VisitorLeft
from emo3d_exp.studio.moving_mesh import moving_mesh, still_mesh
from emo3d_exp.studio.notices import tell

if TYPE_CHECKING:
    from viser import ClientHandle

PARSING = 0.05
"""Seconds that a browser takes from reading a mesh file to having it ready, roughly."""

SLOWEST = 1.0
"""Longest way to the browser and back, in seconds, that a motion waits for: software rendering is slow."""

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
    rate of its screen. It is loaded unseen and then takes the place of the mesh before it, which looks the
    same at that moment. When nothing follows, a mesh without a clip takes its place in turn, so that an
    idle page draws nothing.

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
        self._delay = PARSING  # to the browser and back, as last measured
        surface = appearance(blendshapes)
        self._motion = Motion(surface, surface, 0.0, 0.0)
        self._scene, self._nodes, self._closed = threading.Lock(), list[Any](), False
        self._node = self._add(still_mesh(surface, appearance))
        self._worker: Latest[tuple[np.ndarray, float]] = Latest(
            self._move, name=f"head {name}", failed=lambda error: tell(client, "The head did not move", error)
        )

    def move_to(self, blendshapes: np.ndarray, seconds: float = 0.4) -> None:
        """Ease to ``(52,)`` scores; a move that is under way is left where it stands."""
        self.blendshapes = np.asarray(blendshapes, np.float32)
        self._worker.put((self.blendshapes, seconds))

    def shown(self) -> Surface:
        """What the visitor sees now, as far as this side can know."""
        return self._motion.at(time.monotonic())

    def close(self) -> None:
        """Take the head out of the scene at once; the thread ends after the step at hand and adds no more."""
        self._worker.close()
        with self._scene:
            self._closed = True
            while self._nodes:
                self._nodes.pop().remove()

    def _move(self, target: tuple[np.ndarray, float]) -> None:
        blendshapes, seconds = target
        end = self.appearance(blendshapes)
        hold = PARSING + self._delay
        start = self._motion.at(time.monotonic() + hold)  # where the old mesh will be when this one shows
        self._replace(moving_mesh(start, end, self.appearance, seconds, hold))
        self._motion = Motion(start, end, time.monotonic() + hold - PARSING, seconds)
        if self._worker.newer(hold + seconds):
            return
        self.arrivals += 1
        self._replace(still_mesh(end, self.appearance))

    def _replace(self, mesh: bytes) -> None:
        """Load a mesh unseen; then show it and take the old one away in one step."""
        old, self._node = self._node, self._add(mesh, visible=False)
        asked = time.monotonic()
        self._await_browser()
        self._delay = min(time.monotonic() - asked, SLOWEST)
        time.sleep(PARSING)
        with self._open_scene(), self.client.atomic():
            self._node.visible = True
            self._nodes.remove(old)
            old.remove()
        self.client.flush()

    def _add(self, mesh: bytes, visible: bool = True) -> Any:
        name = f"/{self.name}/{next(self._numbers)}"
        with self._open_scene():
            node = self.client.scene.add_glb(name, mesh, position=self.position, visible=visible)
            self._nodes.append(node)
        self.client.flush()
        return node

    @contextmanager
    def _open_scene(self) -> Iterator[None]:
        """Nobody closes the head meanwhile. Raises VisitorLeft where it is closed."""
        with self._scene:
            if self._closed:
                raise VisitorLeft
            yield

    def _await_browser(self) -> None:
        """Return when the browser has worked off what was sent: it answers messages in their order."""
        try:
            self.client.local_storage.get_item("emo3d_exp", timeout=PATIENCE)
        except TimeoutError:
            return  # a page in the background; it will catch up
        except RuntimeError as error:
            if "disconnected" in str(error):
                raise VisitorLeft from error
            time.sleep(PARSING)  # a browser that forbids local storage cannot answer
