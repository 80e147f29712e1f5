"""The whole meta-evaluation: draw, judge, compare."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.evaluation.bank import check_neighbours
from emo3d_exp.evaluation.intervals import bootstrap_interval
from emo3d_exp.evaluation.meta.changes import as_person
from emo3d_exp.evaluation.meta.comparing import Apart, compare_changes, compare_series
from emo3d_exp.evaluation.meta.judging import FaceJudge, Scale
from emo3d_exp.evaluation.meta.numbers import NUMBERS, NumbersScale, faces_of
from emo3d_exp.evaluation.meta.sensitivity import (
    OTHER,
    TRUE,
    check_sizes,
    compare_settings,
    redraw_bank,
    setting_row,
)
from emo3d_exp.evaluation.meta.sets import Sets, build_sets, chosen, rows_of
from emo3d_exp.evaluation.meta.settings import MetaSettings
from emo3d_exp.records import Prompts

if TYPE_CHECKING:
    from emo3d_exp.backbones import Encoder
    from emo3d_exp.evaluation.evaluator import Evaluator

SCHEMA = 1
Views = dict[str, np.ndarray]
Progress = Callable[[int], Callable[[], None]]


@dataclass(frozen=True)
class Material:
    """What the meta-evaluation is given.

    Attributes:
        prompts: of the part that is measured. train: whose faces are learned from. candidates: for the bank.
        mean_face: (52,) of the training faces. systems: name → (len(prompts), 52) answers to ``prompts``.
        judges: to measure with beside the evaluator's. facts: for the provenance, plain values.
    """

    prompts: Prompts
    train: Prompts
    candidates: Prompts
    mean_face: np.ndarray
    systems: Mapping[str, np.ndarray]
    judges: Sequence[Encoder]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class MetaEvaluation:
    """Attributes: content: of ``meta.json``. apart: values of the true and the changed faces."""

    content: dict[str, Any]
    apart: Apart


def measure(
    evaluator: Evaluator, material: Material, settings: MetaSettings, progress: Progress
) -> MetaEvaluation:
    """Measure how the metric and the MSE react to known changes of the true faces.

    Args:
        evaluator: with a judge; its settings are the metric's own.
        progress: given the number of steps to come, gives a function to call after each.

    Raises:
        ConfigError: there is no judge, or a k is above the bank. DataError: there are no two emotions, or a
            bank without the own prompts of a sample is smaller than a k.
    """
    if evaluator.judge is None:
        raise ConfigError("meta=… measures the Emo3D metric, which needs a judge: metric=emo3d")
    check_sizes(evaluator, settings)
    rows = chosen(material.prompts, settings.prompts, settings.seed)
    sets = build_sets(rows_of(material.prompts, rows), material.train, settings)
    answers = _answers(material, rows)
    steps = _steps(evaluator, settings, sets, len(answers), len(material.judges))
    judge = FaceJudge(evaluator, material.candidates, progress(steps))
    scale = _own_scale(judge, sets.prompts, settings)
    views = change_views(judge, sets, _most(evaluator, settings))
    usual = {name: view[: evaluator.looks.count] for name, view in views.items()}
    contenders = {name: judge.views(faces, evaluator.looks.looks()) for name, faces in answers.items()}
    values = {name: scale.values(view, sets.prompts) for name, view in usual.items()}
    apart = Apart(sets, {name: each["emo3d"] for name, each in values.items()})
    right = {name: each["right"] for name, each in values.items()}
    content = {
        "schema": SCHEMA,
        "ground_truth": {"emo3d": scale.total(values[TRUE]), "emotion_accuracy": float(right[TRUE].mean())},
        **compare_changes(apart, right, evaluator.bootstrap, evaluator.seed),
        "graded": _graded(judge, scale, sets),
        "sensitivity": compare_settings(judge, views, sets.prompts, settings, apart.tells)
        | {"judge": _judges(judge, material.judges, usual, apart)},
        "redraw": redraw_bank(judge, {TRUE: usual[TRUE], **contenders}, sets.prompts, settings),
        "systems": _systems(contenders, scale, apart, evaluator),
        "provenance": dict(material.facts) | _facts(evaluator, settings, sets, scale),
    }
    return MetaEvaluation(without_nan(content), apart)


def without_nan(content: Any) -> Any:
    """The same dicts, lists and values with None for NaN, which JSON does not know."""
    if isinstance(content, dict):
        return {key: without_nan(each) for key, each in content.items()}
    if isinstance(content, list):
        return [without_nan(each) for each in content]
    return None if isinstance(content, float) and np.isnan(content) else content


def change_views(judge: FaceJudge, sets: Sets, count: int) -> Views:
    """Features of the true faces, of all changes and of the other emotions' whole faces under the first
    ``count`` looks."""
    looks = replace(judge.evaluator.looks, count=count).looks()
    views = {TRUE: judge.views(sets.true, looks)}
    for name, change in sets.changes.items():
        shown = looks if change.person is None else as_person(looks, change.person)
        views[name] = judge.views(change.faces, shown)
    return views | {OTHER: judge.views(sets.series["interpolation"].faces[-1], looks)}


def _answers(material: Material, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Faces of the systems, and of those that know nothing of the text."""
    return {name: np.asarray(faces)[rows] for name, faces in material.systems.items()} | {
        "mean_face": np.tile(np.float32(material.mean_face), (len(rows), 1)),
        "neutral": np.zeros((len(rows), len(material.mean_face)), dtype=np.float32),
    }


def _most(evaluator: Evaluator, settings: MetaSettings) -> int:
    return max(evaluator.looks.count, *settings.looks)


def _steps(evaluator: Evaluator, settings: MetaSettings, sets: Sets, contenders: int, judges: int) -> int:
    graded = sum(len(series.faces) for series in sets.series.values())
    usual = evaluator.looks.count
    per_look = len(sets.changes) + 2
    return per_look * (_most(evaluator, settings) + judges * usual) + (graded + contenders) * usual


def _own_scale(judge: FaceJudge, prompts: Prompts, settings: MetaSettings) -> Scale:
    """The evaluator's own, whose bank was found large enough for every k before anything is drawn."""
    scale = judge.scale()
    check_neighbours(prompts, scale.bank, max(scale.k, *settings.ks), scale.exclude_self)
    return scale


def _graded(judge: FaceJudge, scale: Scale, sets: Sets) -> dict[str, Any]:
    looks = judge.evaluator.looks.looks()
    found = {}
    for name, series in sets.series.items():
        values = [scale.values(judge.views(faces, looks), sets.prompts) for faces in series.faces]
        found[name] = compare_series(series, sets.true, values, [scale.total(each) for each in values])
    return found


def _judges(judge: FaceJudge, others: Sequence[Encoder], usual: Views, apart: Apart) -> list[dict[str, Any]]:
    """A row of :func:`setting_row` for every judge, the last for the numbers themselves; their values cannot
    be compared, only what they tell."""
    found = [(judge, usual)]
    for encoder in others:
        evaluator = copy.copy(judge.evaluator)
        evaluator.judge = encoder
        other = FaceJudge(evaluator, judge.candidates, judge.advance)
        found.append((other, change_views(other, apart.sets, evaluator.looks.count)))
    rows = [
        setting_row(each.evaluator.judge.name, each.scale(), views, apart.sets.prompts, apart.tells)
        for each, views in found
    ]
    scale = judge.scale()
    by_numbers = NumbersScale(scale, faces_of(scale.bank, judge.candidates))
    return [*rows, setting_row(NUMBERS, by_numbers, _faces(apart.sets), apart.sets.prompts, apart.tells)]


def _faces(sets: Sets) -> Views:
    """The numbers of the sets that :func:`change_views` draws."""
    changed = {name: change.faces for name, change in sets.changes.items()}
    return {TRUE: sets.true, **changed, OTHER: sets.series["interpolation"].faces[-1]}


def _systems(contenders: Views, scale: Scale, apart: Apart, evaluator: Evaluator) -> dict[str, Any]:
    """Name → ``emo3d``, ``emotion_accuracy``, and ``difference`` to the true faces on the same prompts with
    the ends ``low`` and ``high`` of its 95 % interval (of the per-sample values)."""
    prompts, found = apart.sets.prompts, {}
    for name, view in contenders.items():
        values = scale.values(view, prompts)
        rise = values["emo3d"] - apart.emo3d[TRUE]
        low, high = bootstrap_interval(
            rise, prompts.sample_id, replicates=evaluator.bootstrap, seed=evaluator.seed
        )
        found[name] = {
            "emo3d": scale.total(values),
            "emotion_accuracy": float(values["right"].mean()),
            "difference": float(rise.mean()),
            "low": low,
            "high": high,
        }
    return found


def _facts(evaluator: Evaluator, settings: MetaSettings, sets: Sets, scale: Scale) -> dict[str, Any]:
    plain = {k: list(v) if isinstance(v, Sequence) and not isinstance(v, str) else v
             for k, v in asdict(settings).items()}  # fmt: skip
    about = {"prompts": len(sets.true), "reader_accuracy": sets.reader_right, "settings": plain}
    return about | evaluator.facts(scale.bank)
