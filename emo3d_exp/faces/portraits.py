"""Named views and lights, to be laid over any look."""

from __future__ import annotations

from dataclasses import replace

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces.looks import Look
from emo3d_exp.faces.shading import Light

VIEWS: dict[str, float] = {"front": 0.0, "three_quarter": 35.0, "profile": 90.0}
"""View → yaw in degrees."""

LIGHTS: dict[str, Light] = {
    "studio": Light(),
    "soft": Light(direction=(0.1, 0.6, 0.9), ambient=0.66, key=0.38, fill=0.12, specular=0.025),
    "side": Light(direction=(1.0, 0.25, 0.35), ambient=0.24, key=0.86, fill=0.10, specular=0.07),
}


def portrait(view: str = "front", light: str | None = None, look: Look | None = None) -> Look:
    """A look turned to a named view (yaw as said, no pitch, no roll) and in a named light.

    Args:
        view: one of :data:`VIEWS`.
        light: one of :data:`LIGHTS`, or None for the look's own.
        look: the person; None for the neutral look.
    """
    look = look or Look()
    if view not in VIEWS:
        raise ConfigError(f"unknown view '{view}': choose {', '.join(VIEWS)}")
    if light is not None and light not in LIGHTS:
        raise ConfigError(f"unknown light '{light}': choose {', '.join(LIGHTS)}")
    return replace(
        look, yaw=VIEWS[view], pitch=0.0, roll=0.0, light=look.light if light is None else LIGHTS[light]
    )
