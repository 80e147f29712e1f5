"""The sets of faces that are measured: the true ones, changed ones, graded ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.evaluation.meta import changes
from emo3d_exp.evaluation.meta.reader import EmotionReader
from emo3d_exp.evaluation.meta.settings import MetaSettings
from emo3d_exp.records import Prompts
from emo3d_exp.vocab import dominant

if TYPE_CHECKING:
    from emo3d_exp.faces import Look

KEPT, CHANGED = "kept", "changed"


@dataclass(frozen=True)
class Change:
    """One known change of all faces.

    Attributes:
        label: in words. group: ``kept`` or ``changed``, of the emotion. faces: (N, 52).
        verified: (N,) bool; of a changed emotion, that the reader agrees: it read the face rightly before and
            reads another emotion from the changed one. All true where the emotion is kept by construction.
        person: draw all looks as this other person; None: as they are.
    """

    label: str
    group: str
    faces: np.ndarray
    verified: np.ndarray
    person: Look | None = None


@dataclass(frozen=True)
class Series:
    """The same faces changed by degrees.

    Attributes:
        label: in words. unit: of the amounts. amounts: (S,), ascending, the first is 0: the true faces.
        faces: S of (N, 52).
    """

    label: str
    unit: str
    amounts: tuple[float, ...]
    faces: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Sets:
    """Everything that is drawn.

    Attributes:
        prompts: N, of N samples. true: (N, 52). other_emotion: (N,) that the changed faces took from.
        changes, series: by name. reader_right: share of true faces that the reader reads rightly.
    """

    prompts: Prompts
    true: np.ndarray
    other_emotion: np.ndarray
    changes: dict[str, Change]
    series: dict[str, Series]
    reader_right: float


def build_sets(prompts: Prompts, train: Prompts, settings: MetaSettings) -> Sets:
    """Draw all changes of the chosen prompts.

    Args:
        prompts: N, from :func:`chosen`. train: whose faces give the mean faces of the emotions and teach the
            reader.
    """
    seed = settings.seed
    true = prompts.blendshapes.astype(np.float32)
    reader = EmotionReader(train.blendshapes, train.emotions)
    donors = changes.donors(prompts.emotions, np.random.default_rng([seed, 1]))
    other = true[donors.row]
    mean_of_other = changes.emotion_means(train.blendshapes, train.emotions)[donors.emotion]
    mean_of_other = np.where(np.isnan(mean_of_other), other, mean_of_other)  # none such to learn from
    own = dominant(prompts.emotions)
    start = true
    if settings.start == "another_draw":
        start = changes.redrawn(prompts.emotions, settings.variation, np.random.default_rng([seed, 5]))
    right = reader.read(start) == own
    found = _kept(start, prompts.emotions, settings)
    for name, (label, faces) in _changed(start, other, mean_of_other, settings).items():
        found[name] = Change(label, CHANGED, faces, right & (reader.read(faces) != own))
    rightly_read = float((reader.read(true) == own).mean())
    return Sets(prompts, true, donors.emotion, found, _series(true, other, settings), rightly_read)


def chosen(prompts: Prompts, count: int | None, seed: int) -> np.ndarray:
    """Ascending rows of ``count`` prompts, drawn at random, each of another sample: texts of one sample share
    their face and would count it twice. All samples where there are no more, or with None."""
    rng = np.random.default_rng([seed, 0])
    order = rng.permutation(len(prompts))
    _, first = np.unique(prompts.sample_id[order], return_index=True)
    rows = order[np.sort(first)]
    return np.sort(rows[: count or len(rows)])


def rows_of(prompts: Prompts, rows: np.ndarray) -> Prompts:
    """Some prompts, in the order of ``rows``."""
    faces = None if prompts.faces is None else prompts.faces[rows]
    text = tuple(prompts.text[row] for row in rows)
    columns = (prompts.sample_id, prompts.text_number, prompts.emotions, prompts.blendshapes)
    ids, numbers, emotions, blendshapes = (column[rows] for column in columns)
    return Prompts(ids, numbers, text, emotions, blendshapes, faces)


def _kept(start: np.ndarray, emotions: np.ndarray, settings: MetaSettings) -> dict[str, Change]:
    from emo3d_exp.faces import random_look

    person = random_look(np.random.default_rng([settings.seed, 3]))
    draw = changes.redrawn(emotions, settings.variation, np.random.default_rng([settings.seed, 2]))
    named = {
        "mirror": ("mirror image", changes.mirrored(start)),
        "redraw": ("another draw for the same emotions", draw),
        "person": ("another person", start),
        "weaker": (f"intensity × {settings.weaker:g}", changes.scaled(start, settings.weaker)),
        "stronger": (f"intensity × {settings.stronger:g}", changes.scaled(start, settings.stronger)),
    }
    sure = np.ones(len(start), dtype=bool)
    return {
        name: Change(label, KEPT, faces, sure, person if name == "person" else None)
        for name, (label, faces) in named.items()
    }


def _changed(
    start: np.ndarray, other: np.ndarray, mean_of_other: np.ndarray, settings: MetaSettings
) -> dict[str, tuple[str, np.ndarray]]:
    parts = {
        "brows": ("another emotion's brows", changes.with_region(start, other, "brow")),
        "mouth": ("another emotion's mouth", changes.with_region(start, other, "mouth")),
    }
    return parts | {
        f"shapes_{count}": (
            f"another emotion's {count} most different shapes",
            changes.with_shapes(start, mean_of_other, count),
        )
        for count in settings.shapes
    }


def _series(true: np.ndarray, other: np.ndarray, settings: MetaSettings) -> dict[str, Series]:
    way = tuple(float(amount) for amount in np.linspace(0, 1, settings.steps))
    directions = np.random.default_rng([settings.seed, 4]).standard_normal(true.shape)
    levels = (0.0, *sorted(settings.noise))
    return {
        "interpolation": Series(
            "towards another emotion's face",
            "share of the other face",
            way,
            tuple(changes.interpolated(true, other, amount) for amount in way),
        ),
        "noise": Series(
            "noise",
            "standard deviation",
            levels,
            tuple(changes.noisy(true, sd, directions) for sd in levels),
        ),
    }
