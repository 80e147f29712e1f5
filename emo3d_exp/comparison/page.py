"""A comparison as one HTML page that opens anywhere: data, style and scripts inside, nothing fetched."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from emo3d_exp.comparison.cells import cell, group_headings, group_rows, numeric, setting
from emo3d_exp.comparison.grouping import Grouping
from emo3d_exp.comparison.importance import Importance, importance
from emo3d_exp.comparison.naming import short_names
from emo3d_exp.comparison.run import FACTS, STATUSES, Run
from emo3d_exp.comparison.table import Comparison
from emo3d_exp.evaluation.markup import page, paragraphs, table
from emo3d_exp.evaluation.wording import counted

SCRIPTS = ("page.js", "table.js", "coordinates.js", "curves.js", "effects.js")
AXES = 8
"""Settings among the parallel coordinates at first."""
NOTES = 4
"""Lines about what was left out that are shown without being asked for."""
BODY = """
<p id="count" role="status"></p>
<p class="controls"><label>Filter <input id="filter" type="search" size="48"
  placeholder="words, or lambda_text>0.3 model.name=vae_clip"></label>
<label>Judged by <select id="metric"></select></label> <button id="clear" type="button">Show all</button></p>
<p class="warning" id="unread" hidden></p>
<h2>Runs</h2>
<details><summary>columns</summary><p id="columns" class="choices"></p></details>
<div class="wide scrolled"><table id="runs"><thead></thead><tbody></tbody></table></div>
<p class="legend">A click on a heading sorts by it. Colours go by rank, the best run dark.</p>
<h2>Parallel coordinates</h2>
<details><summary>axes</summary><p id="axes" class="choices"></p></details>
<div class="wide"><svg id="coordinates" role="img" aria-label="parallel coordinates"></svg></div>
<p class="legend">Draw along an axis to choose runs, here and everywhere on the page; a click lets go.</p>
<h2>Curves</h2>
<p class="controls"><label>Curve <select id="curve"></select></label>
<label><input id="log" type="checkbox" checked> logarithmic</label> <span id="told" role="status"></span></p>
<div class="wide"><svg id="curves" role="img" aria-label="curves over epochs"></svg></div>
<h2>Which settings mattered</h2>
<p class="legend" id="meaning"></p>
<div id="effects"></div>
"""


def comparison_page(found: Comparison, groups: Grouping | None = None) -> str:
    """The page. All that comes from folders is a text in it, whatever signs it has."""
    inside = files("emo3d_exp.comparison")
    scripts = "\n".join(inside.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = inside.joinpath("page.css").read_text(encoding="utf-8")
    body = [paragraphs(found.warnings, "warning")] if found.warnings else []
    body += [_notes(found.notes)] if found.notes else []
    if found.searched:
        told = f"The runs are of one search, which improves {found.metric}: they are judged by it."
        body += [paragraphs([told], "legend")]
    if groups is not None:
        body += ["<h2>Means</h2>", table(group_headings(groups), group_rows(groups))]
        body += [paragraphs(["Mean ± sample standard deviation over the n runs of a line."], "legend")]
    body += [BODY, _same(found)]
    data = f'<script id="data" type="application/json">{embedded(page_data(found))}</script>'
    return page("Runs compared", "\n".join([*body, data]), style, f"(() => {{\n{scripts}\n}})();")


def _notes(notes: Sequence[str]) -> str:
    """Many lines are folded away."""
    told = paragraphs(notes, "note")
    many = len(notes) > NOTES
    return f"<details><summary>{len(notes)} notes</summary>{told}</details>" if many else told


def embedded(value: Any) -> str:
    """JSON that ends no script element and begins none, whatever texts are in it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return "".join(f"\\u{ord(sign):04x}" if sign in "<>&\u2028\u2029" else sign for sign in text)


def page_data(found: Comparison) -> dict[str, Any]:
    """What the scripts of the page show, as plain values.

    ``columns`` (name, kind, shown, numeric), ``constant`` (text, value), ``runs`` (short name, cells as
    texts, values to sort by, curves as [epoch, value]), ``metric``, ``higher``, ``axes``, ``importance`` (or
    a text).
    """
    first = [*FACTS[:2], *found.keys, *found.metrics, *FACTS[2:]]
    names = list(dict.fromkeys([*first, *found.varied, *found.follow, *found.all_metrics]))
    short = short_names([run.name for run in found.runs])
    answer = importance(found.runs, found.varied, found.metric)
    return {
        "columns": [
            {"name": n, "kind": _kind(n, found), "shown": n in found.columns, "numeric": numeric(found, n)}
            for n in names
        ],
        "constant": {
            key: [setting(value), _value(found.runs[0], key)] for key, value in found.constant.items()
        },
        "runs": [{"short": name, **_run(run, names)} for run, name in zip(found.runs, short, strict=True)],
        "metric": found.metric,
        "higher": found.higher,
        "axes": list(found.varied[:AXES]),
        "importance": answer if isinstance(answer, str) else _importance(answer),
    }


def _kind(name: str, found: Comparison) -> str:
    return "fact" if name in FACTS else "metric" if name in found.all_metrics else "setting"


def _run(run: Run, names: Sequence[str]) -> dict[str, Any]:
    return {
        "cells": [cell(run, name) for name in names],
        "values": [_value(run, name) for name in names],
        "curves": {
            name: [[_short(epoch), _short(value)] for epoch, value in points if math.isfinite(value)]
            for name, points in run.curves.items()
        },
    }


def _value(run: Run, name: str) -> float | str | None:
    """A number, a text, or None where a run has no such thing."""
    value = run.value(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return setting(value) if value is not None or (name in run.config and name not in FACTS) else None


def _short(value: float) -> float:
    """Six digits, more than a screen can show."""
    return float(f"{value:.6g}")


def _importance(found: Importance) -> dict[str, Any]:
    told = {"meaning": found.in_words(), "metric": found.metric, "share": _short(found.share)}
    told["settings"] = [
        {"name": key, "drop": _short(drop), "expected": [list(point) for point in found.expected[key]]}
        for key, drop in found.drops.items()
    ]
    return told


def _same(found: Comparison) -> str:
    """What needs no column."""
    same = table(["setting", "value"], [[key, setting(value)] for key, value in found.constant.items()])
    following = table(["setting", "goes along with"], [[key, by] for key, by in found.follow.items()])
    words = "; ".join(f"{status}: {meaning}" for status, meaning in STATUSES.items())
    title = counted(len(found.constant), "setting is", "settings are")
    return (
        f"<h2>Beside the columns</h2>\n<details><summary>{title} the same for all</summary>{same}</details>\n"
        f"<details><summary>{counted(len(found.follow), 'setting')} that go along with another one</summary>"
        f"{following}</details>\n<p class='legend'>{escape(words)}. A + behind a commit: changes.</p>"
    )
