"""What runs differ in: the columns of their table."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from emo3d_exp.comparison.naming import full_name, names_of
from emo3d_exp.comparison.run import Plain, Run
from emo3d_exp.comparison.search import searched_objective
from emo3d_exp.evaluation.conditions import differing as differing_conditions

ABSENT = "–"
ALWAYS = ("status", "started", "duration")
WHERE_THEY_DIFFER = ("group", "sweep", "commit")
FIGURES = ("mse", "emo3d", "emotion_accuracy")
HIGHER = ("accuracy", "r_at_", "correlation")
"""What names of metrics have of which more is better."""
OF_TRAINING = ("epoch", "train_seconds", "parameters")


@dataclass(frozen=True)
class Comparison:
    """Runs and the columns that they are compared by.

    Attributes:
        runs: in order. keys: of the config, that are shown. varied: those that differ. follow: others that
            differ → the one of ``varied`` that settles it, as ``model.name`` does ``loss._target_``.
        constant: key → value, the same for all. facts, metrics: the other columns, before and behind the
            keys. all_metrics: every one that a run has.
        metric: what runs are judged by. higher: more of it is better. searched: it is what the search that
            all runs belong to improves, and nobody has asked for another one.
        notes: what was left out. warnings: what does not compare.
    """

    runs: tuple[Run, ...]
    keys: tuple[str, ...]
    varied: tuple[str, ...]
    follow: Mapping[str, str]
    constant: Mapping[str, Plain]
    facts: tuple[str, ...]
    metrics: tuple[str, ...]
    all_metrics: tuple[str, ...]
    metric: str
    higher: bool
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    searched: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All of the table, from left to right."""
        return ("run", *self.facts, *self.keys, *self.metrics)


def compare(
    runs: Sequence[Run], notes: Sequence[str] = (), *, sort: str = "", columns: Sequence[str] = (),
    metrics: Sequence[str] = (), metric: str = "", part: str = "test",
) -> Comparison:  # fmt: skip
    """Put runs (at least one) in order and choose columns.

    Args:
        sort: a name, with ``-`` before it the highest first; empty: the metric. columns, metrics: instead of
            what differs, and of the usual. metric: what counts; empty: that of ``sort``, what a search
            that all runs belong to improves, or the usual one.

    Raises:
        ConfigError: a name that no run has, or that may be several.
    """
    known = names_of(runs)
    told = {name: None for run in runs for name in run.metrics}
    by = full_name(sort.lstrip("-+"), known, f"sort={sort}") if sort else ""
    given = full_name(metric, told, f"metric={metric}") if metric else by if by in told else ""
    chosen, higher, searched = _judge(runs, given, part)
    named = [full_name(name, known, f"columns={name}") for name in columns]
    free, follow, constant = split_keys(runs)
    figures = [full_name(name, told, f"metrics={name}") for name in metrics or _figures(chosen, part, told)]
    return Comparison(
        runs=tuple(in_order(runs, by or chosen, sort.startswith("-") if sort else higher)),
        keys=tuple(name for name in named if name not in (*told, "run")) if named else free,
        varied=free,
        follow=follow,
        constant=constant,
        facts=() if named else _facts(runs),
        metrics=tuple(dict.fromkeys([*figures, *(name for name in named if name in told)])),
        all_metrics=tuple(sorted(told)),
        metric=chosen,
        higher=higher,
        notes=tuple(notes),
        warnings=_conditions(runs),
        searched=searched,
    )


def _judge(runs: Sequence[Run], given: str, part: str) -> tuple[str, bool, bool]:
    """What runs are judged by, whether more of it is better, and whether it is what their search improves."""
    aim = None if given else searched_objective(runs)
    if aim is None or not any(aim.metric in run.metrics for run in runs):
        chosen = given or _usual(runs, part)
        return chosen, _higher(chosen), False
    return aim.metric, _higher(aim.metric) if aim.higher is None else aim.higher, True


def _higher(metric: str) -> bool:
    return any(word in metric for word in HIGHER)


def _figures(metric: str, part: str, told: Collection[str]) -> list[str]:
    usual = [metric, "val/mse", *(f"{part}/{figure}" for figure in FIGURES), *OF_TRAINING]
    return [name for name in dict.fromkeys(usual) if name in told]


def _facts(runs: Sequence[Run]) -> tuple[str, ...]:
    varied = [fact for fact in WHERE_THEY_DIFFER if len({run.value(fact) for run in runs}) > 1]
    return (*ALWAYS[:1], *varied, *ALWAYS[1:])


def in_order(runs: Sequence[Run], name: str, descending: bool) -> list[Run]:
    """Sorted by a fact, a key or a metric: numbers before texts, runs without it last."""
    with_it = [run for run in runs if run.value(name) is not None]

    def rank(run: Run) -> tuple[bool, float, str]:
        value = run.value(name)
        return (True, 0.0, value) if isinstance(value, str) else (False, float(value or 0), "")

    ranked = sorted(with_it, key=rank, reverse=descending)
    return ranked + [run for run in runs if run.value(name) is None]


def split_keys(runs: Sequence[Run]) -> tuple[tuple[str, ...], dict[str, str], dict[str, Plain]]:
    """Keys of the configs that differ, those that follow from one of them, and those that are constant.

    A key follows from another one where runs that agree in the other one agree in it too. That says something
    only where runs do agree: the other one is a name, or has at most half as many values as there are runs.
    """
    keys = dict.fromkeys(key for run in runs for key in run.config)
    values = {key: [_text(run, key) for run in runs] for key in keys}
    constant = {key: runs[0].config[key] for key in keys if len(set(values[key])) == 1}
    free, follow = list[str](), dict[str, str]()
    for key in sorted((key for key in keys if key not in constant), key=_rank):
        own = values[key]
        settled = (other for other in free if _settles(other, values[other], own))
        if (other := next(settled, None)) is not None:
            follow[key] = other
        else:
            free.append(key)
    order = list(keys)
    free.sort(key=lambda key: (key == "seed", key != "model.name", order.index(key)))
    return tuple(free), follow, constant


def _text(run: Run, key: str) -> str:
    return json.dumps(run.config[key]) if key in run.config else ABSENT


def _rank(key: str) -> tuple[bool, bool, bool, int, str]:
    """What other keys may follow from comes first."""
    return (key != "model.name", not key.endswith(".name"), "_target_" in key, key.count("."), key)


def _settles(other: str, one: Sequence[str], own: Sequence[str]) -> bool:
    enough = other.endswith(".name") or len(set(one)) <= len(one) / 2
    return enough and len(set(zip(one, own, strict=True))) == len(set(one))


def _usual(runs: Sequence[Run], part: str) -> str:
    """What runs are judged by: Emo3D or an error that at least half of them have, else the first that any
    has; empty without a metric.
    """
    told = dict.fromkeys(name for run in runs for name in run.metrics)
    names = (f"{part}/emo3d", f"{part}/mse", "val/mse")
    common = (name for name in names if 2 * sum(name in run.metrics for run in runs) >= len(runs))
    return next((name for name in (*common, *names, "val/loss", *told) if name in told), "")


def _conditions(runs: Sequence[Run]) -> tuple[str, ...]:
    """A line for each part that was not scored in one way for all runs."""
    told = []
    for part in dict.fromkeys(part for run in runs for part in run.conditions):
        names = differing_conditions([run.conditions[part] for run in runs if part in run.conditions])
        if names:
            told.append(f"{part}/… do not all compare: the runs were scored with other {', '.join(names)}")
    return tuple(told)
