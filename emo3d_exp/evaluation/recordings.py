"""Faces from other programs: ARKit scores as JSON, and Live Link Face recordings.

Names count without regard to case (``JawOpen`` is ``jawOpen``). What no rig here shows is left out:
``tongueOut``, the angles of head and eyes, and the columns of time and count.

JSON is one of:

* ``{name: score}``: one face;
* ``[face, …]``, a face being ``{name: score}`` or ``{"blendshapes": {name: score}}``, with ``sample_id``,
  ``text_number`` and ``text`` beside the scores where they are known;
* ``{"12": {name: score}, "12/2": {name: score}}``: by sample_id, or sample_id/text_number.

A Live Link recording is the app's CSV with one frame for each face; a column ``sample_id`` may be added.

Faces without a ``sample_id`` answer the prompts in their order. In a folder the names of the files tell:
``12.json`` or ``12_2.csv``, with one face in each.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.strict_json import parse, read_text
from emo3d_exp.evaluation.tables import COLUMNS, KEYS, refuse
from emo3d_exp.evaluation.wording import counted
from emo3d_exp.records import Prompts
from emo3d_exp.vocab import LIVE_LINK_COLUMNS, LIVE_LINK_COUNT, LIVE_LINK_TIMECODE

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = "faces without sample_id"
_KNOWN = {name.lower(): name for name in COLUMNS}
_LEFT_OUT = {name.lower() for name in (*LIVE_LINK_COLUMNS, LIVE_LINK_COUNT, LIVE_LINK_TIMECODE)} - set(_KNOWN)
_BY_SAMPLE = re.compile(r"(-?\d+)(?:[/_](\d+))?")


def is_live_link(columns: list[str]) -> bool:
    """Whether a CSV with these columns is a recording."""
    return LIVE_LINK_TIMECODE.lower() in (str(name).strip().lower() for name in columns)


def live_link_table(table: pd.DataFrame) -> pd.DataFrame:
    """The scores of a recording by our names; unknown columns stay, for the check of columns to name them."""
    kept = [position for position, name in enumerate(table.columns) if name.strip().lower() not in _LEFT_OUT]
    found = table.iloc[:, kept]
    return _marked(found.set_axis([_own_name(name) for name in found.columns], axis=1))


def read_arkit_json(path: Path) -> pd.DataFrame:
    """The faces of a JSON file. Raises DataError where it is none, or laid out in another way."""
    import pandas as pd

    try:
        content = parse(read_text(path))
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    rows, problems = [], []
    for number, face in enumerate(_faces(content, path)):
        try:
            rows.append(_row(face))
        except ValueError as error:
            problems.append((number, str(error)))
    refuse(problems, str(path))
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return _marked(pd.DataFrame([[row.get(name) for name in columns] for row in rows], columns=columns))


def _faces(content: Any, path: Path) -> list[Any]:
    if isinstance(content, list) and content:
        return content
    if isinstance(content, dict) and content:
        inner = [isinstance(value, dict) for value in content.values()]
        if not all(inner) or "blendshapes" in (key.lower() for key in content):
            return [content]
        return [_keyed(key, face, path) for key, face in content.items()]
    raise DataError(f"{path}: expected an object {{name: score}}, a list of faces, or faces by sample_id")


def _keyed(key: str, face: dict[str, Any], path: Path) -> dict[str, Any]:
    found = _BY_SAMPLE.fullmatch(key.strip())
    if found is None:
        raise DataError(f"{path}: '{key}' is no sample_id; name a face 12, or 12/2 for its second text")
    labels = _labels(found)
    for name, number in labels.items():
        _agree(face.get(name, number), number, name, f"{path}: '{key}'")
    return {**face, **labels}


def _labels(found: re.Match[str]) -> dict[str, int]:
    return {"sample_id": int(found[1]), "text_number": int(found[2] or 1)}


def _agree(inside: Any, number: int, name: str, where: str) -> None:
    """Raise DataError where a face says another number than its name does."""
    if str(inside).strip() not in (str(number), f"{number}.0"):
        raise DataError(f"{where} is named after {name} {number}, but holds {name} {inside}; remove one")


def _row(face: Any) -> dict[str, Any]:
    """One face as columns, by our names."""
    if not isinstance(face, dict):
        raise ValueError(f"a face was expected, not {str(face)[:40]!r}")
    inner = [key for key in face if key.lower() == "blendshapes"]
    scores = face[inner[0]] if inner else face
    if not isinstance(scores, dict):
        raise ValueError("blendshapes is not an object {name: score}")
    labels = {key: face[key] for key in KEYS if key in face}
    row: dict[str, Any] = {**({"text_number": 1} if "sample_id" in labels else {}), **labels}
    for name, score in scores.items():
        own = _own_name(name)
        if own.lower() in _LEFT_OUT or own in labels or (not inner and own == "text"):
            continue
        if own in row:
            raise ValueError(f"{own} stands twice")
        row[own] = score
    return row


def read_folder(folder: Path, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    """One face a file, named by its sample: ``12.json``, ``12_2.csv``.

    Args:
        read: file → table, by its suffix.
    """
    import pandas as pd

    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".json", ".csv"))
    if not files:
        raise DataError(f"{folder}: the folder holds no .json and no .csv")
    tables = []
    for file in files:
        named, table = _BY_SAMPLE.fullmatch(file.stem), read(file)
        if named is None:
            raise DataError(f"{file}: name it by its sample, such as 12{file.suffix} or 12_2{file.suffix}")
        if len(table) != 1:
            raise DataError(f"{file}: {len(table)} faces; keep the one frame that shows the face")
        labels = _labels(named)
        for name in () if table.attrs[UNNAMED] else [name for name in labels if name in table]:
            _agree(table[name].iloc[0], labels[name], name, str(file))
        tables.append(table.assign(**labels))
    named_faces = pd.concat(tables, ignore_index=True)
    named_faces.attrs[UNNAMED] = False
    return named_faces


def name_faces(table: pd.DataFrame, asked: Callable[[], Prompts] | None, source: str) -> pd.DataFrame:
    """Faces without ``sample_id``, as answers to the prompts in their order; else numbered from 1.

    Raises:
        DataError: not one face for each prompt.
    """
    if not table.attrs.get(UNNAMED):
        return table
    if asked is None:
        return table.assign(sample_id=range(1, len(table) + 1), text_number=1)
    prompts = asked()
    if len(table) != len(prompts):
        raise DataError(
            f"{source}: {counted(len(table), 'face')} without sample_id for "
            f"{counted(len(prompts), 'prompt')}. Give one face for each prompt in the order of: "
            "python evaluate.py prompts=FILE; or give each its sample_id"
        )
    return table.assign(sample_id=prompts.sample_id, text_number=prompts.text_number)


def _own_name(name: str) -> str:
    return _KNOWN.get(str(name).strip().lower(), str(name).strip())


def _marked(table: pd.DataFrame) -> pd.DataFrame:
    table.attrs[UNNAMED] = "sample_id" not in table
    return table
