"""The read-back figures as a section of docs/faces.md and a plot; used by readback.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from emo3d_exp.faces.readback import NEVER_READ, Readback
from emo3d_exp.runs import write_atomically
from emo3d_exp.vocab import BLENDSHAPE_INDEX, MORPH_TARGETS

START, END = "<!-- readback: written by benchmarks/readback.py -->", "<!-- /readback -->"
FIGURE = """![Correlation per blendshape](pictures/readback.png)

The plot shows the mean of both sides; † marks scores that stay near 0 on any face, people's included."""
KINDS = {
    "one": "random faces, one head",
    "people": "random faces, many people",
    "prior": "faces of the prior, many people",
}
SEEN = 0.5
DEAD = 0.2
BLUE, ORANGE = "#0072B2", "#D55E00"
"""Of Okabe and Ito: 92 or more CIELAB units apart under simulated protan-, deuter- and tritanopia, and
3.8:1 or more against white."""

Readings = dict[tuple[str, str], tuple[Readback, dict[str, float]]]
"""(rig, kind) → read-back and accuracies of the dominant emotion (empty but for the prior's faces)."""


def stems() -> dict[str, list[int]]:
    """Shape without its side → rows of its one or two blendshapes; directions of jaw and mouth stay apart."""
    groups: dict[str, list[int]] = {}
    for name in MORPH_TARGETS:
        stem = name.removesuffix("Left").removesuffix("Right")
        groups.setdefault(name if stem in ("jaw", "mouth") else stem, []).append(BLENDSHAPE_INDEX[name])
    return groups


def page(readings: Readings) -> str:
    """Markdown: the overview, the shapes that cannot be shown, and every shape's correlations."""
    rigs = list(dict.fromkeys(rig for rig, _ in readings))
    return "\n".join([*_overview(readings), "", *_dead(readings, rigs), "", *_shapes(readings, rigs)])


def _overview(readings: Readings) -> list[str]:
    lines = [
        "| rig | faces | found | r > .5 | r > .3 | mean r | minus rest: r > .5 | mean r | emotion |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (rig, kind), (read, accuracy) in readings.items():
        r, less = read.correlations()[1:], read.correlations(minus_rest=True)[1:]
        emotion = f"{accuracy['scores']:.2f}" if accuracy else ""
        lines.append(
            f"| `{rig}` | {len(read.truth)} {KINDS[kind]} | {100 * read.found.mean():.1f} % "
            f"| {(r > SEEN).sum()} | {(r > 0.3).sum()} | {r.mean():.2f} "
            f"| {(less > SEEN).sum()} | {less.mean():.2f} | {emotion} |"
        )
    return lines


def _dead(readings: Readings, rigs: list[str]) -> list[str]:
    seen = [readings[rig, kind][0].correlations() for rig in rigs for kind in ("one", "people")]
    best = np.max(seen, axis=0)
    dead = [name for name in MORPH_TARGETS if best[BLENDSHAPE_INDEX[name]] < DEAD]
    known, new = [[f"`{n}`" for n in dead if (n in NEVER_READ) == flag] for flag in (True, False)]
    known_upstream = "known upstream: near 0 on any face, MediaPipe issues 4436 and 4450"
    return [
        f"Shapes that no rig shows to FaceLandmarker (r below {DEAD:g} on every rig, one head or many):",
        f"{', '.join(known) or 'none'} ({known_upstream}); besides: {', '.join(new) or 'none'}.",
    ]


def _shapes(readings: Readings, rigs: list[str]) -> list[str]:
    columns = [(rig, kind) for rig in rigs for kind in ("one", "people")]
    heads = {"one": "one head", "people": "many people"}
    lines = ["| shape | " + " | ".join(f"`{rig}`, {heads[kind]}" for rig, kind in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    values = {column: readings[column][0].correlations() for column in columns}
    for stem, rows in stems().items():
        cells = [" / ".join(f"{values[column][row]:.2f}" for row in rows) for column in columns]
        lines.append(f"| {stem} | " + " | ".join(cells) + " |")
    return [*lines, "", "Left / right of the subject where a shape has sides."]


def rewrite(document: Path, section: str) -> None:
    """Replace what stands between the marks in ``document``."""
    text = document.read_text(encoding="utf-8")
    if START not in text or END not in text:
        raise ValueError(f"{document}: the marks {START} and {END} are not there")
    before, after = text.split(START)[0], text.split(END)[1]
    with write_atomically(document) as partial:
        partial.write_text(f"{before}{START}\n{FIGURE}\n\n{section}\n{END}{after}", encoding="utf-8")


def plot(readings: Readings, path: Path) -> None:
    """Bars of r per shape (mean of the sides) for all rigs: one head beside many people."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    rigs = list(dict.fromkeys(rig for rig, _ in readings))
    groups = stems()
    mean = {key: _by_stem(read, groups) for key, (read, _) in readings.items()}
    order = np.argsort(mean[rigs[0], "one"])
    figure, axes = plt.subplots(1, 2, figsize=(10, 9), sharey=True, constrained_layout=True)
    for axis, kind in zip(axes, ("one", "people"), strict=True):
        for number, (rig, color) in enumerate(zip(rigs, (BLUE, ORANGE), strict=False)):
            at = np.arange(len(order)) + 0.2 * (1 - 2 * number)
            axis.barh(at, mean[rig, kind][order], height=0.38, color=color, label=rig)
        axis.axvline(SEEN, color="#555555", linewidth=1, linestyle="--")
        axis.set(
            title=KINDS[kind][0].upper() + KINDS[kind][1:], xlim=(-0.2, 1), ylim=(-0.6, len(order) - 0.4)
        )
        axis.set_xlabel("correlation of the weight with its own score")
        axis.grid(axis="x", color="#dddddd")
        axis.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axis.spines[side].set_visible(False)
    names = list(groups)
    axes[0].set_yticks(np.arange(len(order)), [_label(names[i]) for i in order])
    axes[0].legend(loc="lower right", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _by_stem(read: Readback, groups: dict[str, list[int]]) -> np.ndarray:
    r = read.correlations()
    return np.array([r[rows].mean() for rows in groups.values()])


def _label(stem: str) -> str:
    never = {name.removesuffix("Left").removesuffix("Right") for name in NEVER_READ}
    return f"{stem} †" if stem in never else stem
