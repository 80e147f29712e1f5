"""Hair styles by number; lengths in the built-in head's unit, angles in degrees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How strands lie.

    Attributes:
        kind: "painted" (on the scalp only), "brushed" (from the hairline to the whorl) or "parted"
            (from a parting down both sides).
        top, side: how far the hair stands off the scalp above and beside.
        rise: part of a strand's way over which it leaves the skin.
        quiff: extra height in front.
        part, part_height, first_root: azimuth of the parting, its start over the hairline, and where on
            it (0 front, 1 whorl) the foremost strand begins.
        first: azimuth where the foremost strand ends.
        lowest: strands beside and behind end no lower than this elevation.
        fringe: elevation of the ends over the forehead; None leaves it open.
        length: of the part that hangs down.
        flare, tuck, wave: widening, turning in at the tips, and waviness of that part.
        swirl: how far the whorl lies to the right, so that the hair in front is brushed over.
        locks: depth of the furrows between locks.
        bumps: size of curls.
        rag: irregularity of roots and tips in degrees.
        over_ears: whether ears are covered.
        bun: azimuth, elevation and size of a bun.
        strands: number of single strands on top.
        tail: thickness of a tail that falls over the left shoulder.
        columns, rows, hang_rows: of a sheet's mesh.
    """

    kind: str
    top: float = 0.1
    side: float = 0.04
    rise: float = 0.3
    quiff: float = 0.0
    part: float = 0.0
    part_height: float = 0.5
    first_root: float = 0.0
    first: float = 60.0
    lowest: float = -90.0
    fringe: float | None = None
    length: float = 0.0
    flare: float = 0.0
    tuck: float = 0.0
    wave: float = 0.0
    swirl: float = 0.0
    locks: float = 0.006
    bumps: float = 0.0
    rag: float = 0.6
    over_ears: bool = False
    bun: tuple[float, float, float] | None = None
    strands: int = 90
    tail: float = 0.0
    columns: int = 84
    rows: int = 12
    hang_rows: int = 9


STYLES: dict[str, Style] = {
    "bald": Style("painted"),
    "buzz": Style("painted"),
    "short": Style("brushed", top=0.135, side=0.03, rise=0.15, quiff=0.04, swirl=28, locks=0.016, rag=1.3),
    "side_part": Style("brushed", top=0.15, side=0.03, rise=0.18, quiff=0.10, swirl=60, locks=0.012, rag=0.8),
    "curly": Style("brushed", top=0.17, side=0.15, rise=0.14, bumps=0.065, rag=1.2, columns=88, rows=15,
                   strands=0),
    "fringe": Style("parted", top=0.15, side=0.10, first=0, first_root=0.6, fringe=15, length=1.55,
                    flare=0.05, tuck=0.10, over_ears=True, lowest=-2, columns=46, rag=0.7, hang_rows=7),
    "bob": Style("parted", top=0.15, side=0.11, part=20, first=53, length=1.5, flare=0.08, tuck=0.12,
                 over_ears=True, lowest=-2, columns=42, hang_rows=7),
    "long": Style("parted", top=0.13, side=0.10, part=8, first=53, length=3.7, flare=0.06, wave=0.012,
                  over_ears=True, lowest=-2, columns=42, hang_rows=7),
    "wavy": Style("parted", top=0.16, side=0.13, part=-18, first=51, length=3.4, flare=0.12, wave=0.035,
                  over_ears=True, lowest=-2, columns=42, hang_rows=10, locks=0.012),
    "ponytail": Style("brushed", top=0.07, side=0.035, rise=0.35, rag=0.5, tail=0.24),
    "bun": Style("brushed", top=0.06, side=0.035, rise=0.35, rag=0.5, bun=(180.0, 66.0, 0.33)),
}  # fmt: skip
