"""A comparison as files."""

from __future__ import annotations

from pathlib import Path

from emo3d_exp.comparison.grouping import Grouping
from emo3d_exp.comparison.table import Comparison
from emo3d_exp.comparison.text import groups_csv, latex_table, markdown, runs_csv
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import write_atomically


def write_comparison(found: Comparison, groups: Grouping | None, folder: Path | str) -> list[Path]:
    """``runs.csv``, ``runs.md``, ``runs.tex`` and ``compare.html``; with groups ``groups.csv`` too.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    from emo3d_exp.comparison.page import comparison_page

    texts = {
        "runs.csv": runs_csv(found),
        "runs.md": markdown(found, groups),
        "runs.tex": latex_table(found, groups),
        "compare.html": comparison_page(found, groups),
    }
    if groups is not None:
        texts["groups.csv"] = groups_csv(groups)
    try:
        for name, text in texts.items():
            with write_atomically(Path(folder) / name) as partial:
                partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write to {folder}: {error}; choose another place with out=…") from error
    return [Path(folder) / name for name in texts]
