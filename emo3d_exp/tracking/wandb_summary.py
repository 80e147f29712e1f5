"""Final values of a W&B run that is continued while offline.

Online, W&B reads the page's summary before it adds to it. Offline there is nothing to read, and when a
later part is uploaded, its summary replaces the page's. So each part leaves its summary beside it, and the
next one starts by repeating it.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from emo3d_exp.runs import write_atomically

log = logging.getLogger(__name__)


def keep_summary(run: Any, folder: Path) -> None:
    """Store what the run's summary holds, without W&B's own underscored values, for ``repeat_summary``.

    A disk that refuses it is a warning.
    """
    values = {name: value for name, value in _plain(run.summary).items() if not name.startswith("_")}
    try:
        with write_atomically(_file(run, folder)) as partial:
            partial.write_text(json.dumps(values), encoding="utf-8")
    except OSError as error:
        log.warning("W&B: the summary was not kept for when this run is continued (%s).", error)


def repeat_summary(run: Any, folder: Path) -> None:
    """Set the values that an earlier part of this run has stored; nothing where there is none."""
    file = _file(run, folder)
    if file.is_file():
        run.summary.update(json.loads(file.read_text(encoding="utf-8")))


def _file(run: Any, folder: Path) -> Path:
    return folder / f"summary-{run.id}.json"


def _plain(value: Any) -> Any:
    """W&B's nested view as dicts; it takes every attribute for a key, hence the look at its type."""
    if not hasattr(type(value), "keys"):
        return value
    return {name: _plain(value[name]) for name in value.keys()}  # noqa: SIM118
