"""Pictures of a rig, by OpenCV's triangle rasteriser."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces.camera import Camera
from emo3d_exp.faces.canvas import Canvas, Layer
from emo3d_exp.faces.figure import Figure
from emo3d_exp.faces.lod import light_rig
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.motion import Motion, groups_of, shapes_of
from emo3d_exp.faces.moving import MovingPart
from emo3d_exp.faces.person import Casting, Person
from emo3d_exp.faces.rig import Rig
from emo3d_exp.faces.shading import to_display
from emo3d_exp.runs import available_cores
from emo3d_exp.vocab import BLENDSHAPES

STYLE_VERSION, LIGHT_VERSION = 4, 1
"""Raise one when the same settings of either detail start to give other pixels: fingerprints and caches
follow."""

DETAILS: tuple[str, ...] = ("full", "light")

STILL = 0.002
"""In head heights, 0.4 pixels of 224: the light renderer leaves alone what no shape moves that far."""


class Renderer:
    """Draws posed, lit, antialiased faces; the same input gives the same bytes.

    Args:
        rig: the face.
        size: pixels per side.
        supersample: the picture is drawn this many times larger and reduced by area.
        margin: room around the head, as a part of its height.
        detail: ``full``, or ``light``: about a sixth of the vertices (:func:`light_rig`), drawn larger in
            one direction only; and of a look that comes again, only what the shapes in use move. About four
            times as fast for one look (benchmarks/rendering.py), and hard to tell apart by eye.
        workers: threads that draw a batch; None: as many as there are cores, at most 4. They change no byte.
    """

    def __init__(
        self,
        rig: Rig,
        size: int = 224,
        supersample: int = 2,
        margin: float = 0.06,
        detail: str = "full",
        workers: int | None = None,
    ) -> None:
        if size < 8 or supersample < 1:
            raise ValueError(f"size {size} must be at least 8 and supersample {supersample} at least 1")
        if detail not in DETAILS:
            raise ConfigError(f"renderer.detail '{detail}' is not one of {', '.join(DETAILS)}")
        if workers is not None and workers < 1:
            raise ConfigError(f"renderer.workers must be at least 1 or null, got {workers}")
        self.rig, self.size, self.supersample, self.margin = rig, int(size), int(supersample), margin
        self.detail, self.workers = detail, workers
        light = detail == "light"
        across, down = self.supersample, self.supersample // 2 if light else self.supersample
        # Ours is closed and counter-clockwise; other rigs may hold cards and open shells.
        self.canvas = Canvas(self.size, across, max(1, down), closed=bool(rig.masks))
        self.camera, self.figure = Camera(rig, margin), Figure(light_rig(rig) if light else rig)
        motion = Motion(self.figure.rig, self.figure.wrinkles)
        self.casting = Casting(self.figure, rig, self.camera, self.canvas, motion)
        self._parts: dict[tuple[int, ...], MovingPart] = {}
        self._known: tuple[Look, Person] | None = None

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that stand for the pixels: rig, settings and drawing style."""
        settings = (self.rig.fingerprint, self.size, self.supersample, self.margin, STYLE_VERSION)
        if self.detail == "light":
            settings += (self.figure.rig.fingerprint, LIGHT_VERSION)
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    def render(self, blendshapes: np.ndarray, looks: Look | Sequence[Look] | None = None) -> np.ndarray:
        """Draw faces.

        Args:
            blendshapes: ``(B, 52)`` or ``(52,)`` in [0, 1]; clipped.
            looks: one for all, one each, or None for the neutral look.

        Returns:
            ``(B, size, size, 3)`` uint8 RGB.
        """
        weights = np.atleast_2d(np.asarray(blendshapes, np.float32))
        if weights.ndim != 2 or weights.shape[1] != len(BLENDSHAPES):
            raise ValueError(f"expected (B, {len(BLENDSHAPES)}) blendshapes, got {np.shape(blendshapes)}")
        if not np.isfinite(weights).all():
            raise ValueError("blendshapes hold numbers that are not finite")
        people = [looks or Look()] * len(weights) if looks is None or isinstance(looks, Look) else list(looks)
        if len(people) != len(weights):
            raise ValueError(f"{len(weights)} faces but {len(people)} looks")
        images = np.empty((len(weights), self.size, self.size, 3), np.uint8)

        def draw(number: int) -> None:
            images[number] = self._draw(weights[number], people[number])

        weights = np.clip(weights, 0, 1)
        threads = min(self.workers or min(4, available_cores()), len(weights))
        if threads < 2:
            for number in range(len(weights)):
                draw(number)
        else:
            with ThreadPoolExecutor(threads, thread_name_prefix="render") as pool:
                list(pool.map(draw, range(len(weights))))
        return images

    def surface(self, weights: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The head of blendshapes ``(52,)`` in [0, 1], with what it wears, as it is about to be drawn.

        Returns:
            Faces ``(T, 3)``, vertices ``(3, N)`` in the rig's coordinates, linear colours ``(3, N)`` with the
            light in them.
        """
        person = self._person(look)
        return person.drawn.faces, *self.figure.lit(weights, look, person.guise)

    def _draw(self, weights: np.ndarray, look: Look) -> np.ndarray:
        person = self._person(look)
        if self.detail == "full":
            return self.canvas.reduced(self._whole(weights, look, person))
        groups = groups_of(weights)
        scene, part = person.scenes.get(groups), self._part(groups)
        if scene is None:
            rest = self._seen(np.zeros_like(weights), look, person)
            person.scenes[groups] = scene = part.scene(person, look, self.canvas, rest)
        points, colors = part.seen(weights, look, person, scene)
        rows = self.canvas.rows(points, look.fov)
        layer = scene.backdrop.copy(self.canvas.samples(rows))
        self.canvas.draw(layer, points, scene.selection.faces, colors, look.fov)
        picture = scene.picture.copy()
        picture[rows] = self.canvas.reduced(layer, rows)
        return picture

    def _part(self, groups: tuple[int, ...]) -> MovingPart:
        known = self._parts.get(groups)
        if known is None:
            least = STILL * self.camera.height
            motion = Motion(self.figure.rig, self.figure.wrinkles, shapes_of(groups), least)
            self._parts[groups] = known = MovingPart(self.figure, motion, groups)
        return known

    def _whole(self, weights: np.ndarray, look: Look, person: Person) -> Layer:
        points, colors = self._seen(weights, look, person)
        faces, still = person.drawn.faces, person.drawn.still
        # What no expression changes is drawn once for a look that comes again.
        if person.used and person.backdrop is None:
            backdrop = self.canvas.blank(look)
            self.canvas.draw(backdrop, points, faces[:still], colors, look.fov)
            person.backdrop = backdrop
        person.used = True
        first = 0 if person.backdrop is None else still
        layer = self.canvas.blank(look) if person.backdrop is None else person.backdrop.copy()
        self.canvas.draw(layer, points, faces[first:], colors, look.fov)
        return layer

    def _seen(self, weights: np.ndarray, look: Look, person: Person) -> tuple[np.ndarray, np.ndarray]:
        """Camera points and display colours ``(N, 3)`` of all vertices."""
        vertices, lit = self.figure.lit(weights, look, person.guise)
        seen, colors = person.matrix @ vertices, to_display(lit)
        seen += person.offset
        return np.ascontiguousarray(seen.T), np.ascontiguousarray(colors.T)

    def _person(self, look: Look) -> Person:
        known = self._known
        if known is None or known[0] != look:
            self._known = known = (look, self.casting(look))
        return known[1]
