"""The 51 sliders and what they are called."""

from __future__ import annotations

from emo3d_exp.vocab import BLENDSHAPES, REGIONS

TITLES: dict[str, tuple[str, ...]] = {
    "Eyes": ("eye",),
    "Brows": ("brow",),
    "Jaw": ("jaw",),
    "Mouth": ("mouth",),
    "Cheeks and nose": ("cheek", "nose"),
}

GROUPS: dict[str, tuple[int, ...]] = {
    title: tuple(index for region in regions for index in REGIONS[region])
    for title, regions in TITLES.items()
}
"""Folder → indices into ``BLENDSHAPES``; together they hold 1 … 51. ``_neutral`` moves nothing."""


def label(index: int) -> str:
    """What a slider is called: its ARKit name in words, sides as the person feels them.

    >>> label(44), label(25)
    ('smile (left)', 'open')
    """
    name = BLENDSHAPES[index]
    region = next(region for region, indices in REGIONS.items() if index in indices)
    rest, side = name.removeprefix(region), ""
    for ending in ("Left", "Right"):
        if rest.endswith(ending) and rest != ending:
            rest, side = rest.removesuffix(ending), f" ({ending.lower()})"
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in rest).strip()
    prefix = f"{region} " if region in ("cheek", "nose") else ""
    return f"{prefix}{words}{side}"
