"""What the files of an evaluation, or of a leaderboard, become on a W&B page.

The files are those of ``emo3d_exp.evaluation``; trackers read them, and know nothing of scoring.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emo3d_exp.vocab import EMOTIONS

BY_EMOTION = ("prompts", "mse", "emo3d", "emotion_accuracy")
BESIDE = (
    "mse", "mse_low", "mse_high", "mse_relative", "emo3d", "emo3d_low", "emo3d_high", "emo3d_relative",
    "emo3d_kl", "emotion_accuracy", "r_at_10",
)  # fmt: skip


def evaluation_shown(folder: Path) -> dict[str, Any]:
    """W&B's objects for each file and part that an evaluation folder has, by name; none of an empty one.

    ``references`` (the system beside them), ``emotions`` (table), ``emotions_plot``, ``confusion`` (plot),
    ``per_prompt`` (histogram of Emo3D, or of the MSE), ``report`` (the page), ``faces`` (picture).
    """
    import wandb

    shown: dict[str, Any] = {}
    if (folder / "metrics.json").is_file():
        shown |= _figures(json.loads((folder / "metrics.json").read_text(encoding="utf-8")))
    if (folder / "per_sample.parquet").is_file():
        shown["per_prompt"] = _histogram(folder / "per_sample.parquet")
    if (folder / "report.html").is_file():
        shown["report"] = _page(folder / "report.html")
    if (folder / "faces.png").is_file():
        shown["faces"] = wandb.Image(str(folder / "faces.png"))
    return shown


def _figures(content: dict[str, Any]) -> dict[str, Any]:
    import wandb

    system = content["provenance"].get("system") or "predictions"
    named = {system: content["metrics"], **content["references"]}
    shown = {"references": _table("system", named, BESIDE)}
    if content.get("emotions"):
        by_emotion = _table("emotion", content["emotions"], BY_EMOTION)
        key = "emo3d" if "emo3d" in by_emotion.columns else "mse"
        shown["emotions"] = by_emotion
        shown["emotions_plot"] = wandb.plot.bar(by_emotion, "emotion", key, title=f"{key} by emotion")
    if content.get("confusion"):
        shown["confusion"] = _confusion(content["confusion"])
    return shown


def _table(first: str, rows: dict[str, dict[str, float]], columns: tuple[str, ...]) -> Any:
    """A ``wandb.Table`` with a line for each entry and those columns that one of them has."""
    import wandb

    known = [name for name in columns if any(name in row for row in rows.values())]
    table = wandb.Table(columns=[first, *known], allow_mixed_types=True)
    for name, row in rows.items():
        table.add_data(name, *(row.get(column) for column in known))
    return table


def _confusion(counts: list[list[int]]) -> Any:
    """W&B counts the pairs itself, so each cell gives as many of them as it says."""
    import wandb

    pairs = [(a, b) for a, row in enumerate(counts) for b, count in enumerate(row) for _ in range(count)]
    asked, seen = (list(labels) for labels in zip(*pairs, strict=True))
    title = "strongest emotion asked for and seen"
    return wandb.plot.confusion_matrix(y_true=asked, preds=seen, class_names=list(EMOTIONS), title=title)


def _histogram(file: Path) -> Any:
    import pandas as pd
    import wandb

    table = pd.read_parquet(file)
    return wandb.Histogram(table["emo3d" if "emo3d" in table else "mse"].to_list())


def _page(file: Path) -> Any:
    """As it is: what W&B would put into it is a style sheet that is fetched."""
    import wandb

    return wandb.Html(file.read_text(encoding="utf-8"), inject=False, data_is_not_path=True)


def leaderboard_shown(folder: Path) -> dict[str, Any]:
    """W&B's objects for the files of a leaderboard that are there, by name.

    ``systems`` and ``runs`` (tables), ``comparison`` (picture), ``page``.
    """
    import pandas as pd
    import wandb

    shown: dict[str, Any] = {}
    for name, file in (("systems", "systems.csv"), ("runs", "leaderboard.csv")):
        if (folder / file).is_file():
            rows = pd.read_csv(folder / file)
            rows = rows.astype(object).where(rows.notna(), None)
            shown[name] = wandb.Table(
                columns=list(rows.columns), data=rows.to_numpy().tolist(), allow_mixed_types=True
            )
    if (folder / "comparison.png").is_file():
        shown["comparison"] = wandb.Image(str(folder / "comparison.png"))
    if (folder / "leaderboard.html").is_file():
        shown["page"] = _page(folder / "leaderboard.html")
    return shown


def needing_server(shown: Mapping[str, Any]) -> list[str]:
    """Names of tables and plots, of which W&B makes artifacts and asks its server first."""
    import wandb

    return [name for name, what in shown.items() if isinstance(what, wandb.Table | wandb.plot.CustomChart)]
