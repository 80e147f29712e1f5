"""How predictions lie in each kind of file."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.evaluation.recordings import is_live_link, live_link_table, read_arkit_json
from emo3d_exp.evaluation.strict_json import parse, read_text
from emo3d_exp.evaluation.tables import COLUMNS, KEYS, LINE, refuse
from emo3d_exp.records import Predictions
from emo3d_exp.vocab import BLENDSHAPES, VOCABULARY_HASH

if TYPE_CHECKING:
    import pandas as pd

METADATA_KEY = b"emo3d_vocabulary"
PACKED = (zipfile.BadZipFile, zlib.error)
SAVED = "np.savez(…, sample_id=ids, blendshapes=scores, names=list_of_column_names)"


def table_of(predictions: Predictions) -> pd.DataFrame:
    """One row a prompt: the keys and the 52 scores by name."""
    import pandas as pd

    table = pd.DataFrame(predictions.blendshapes, columns=list(BLENDSHAPES))
    for position, name in enumerate(KEYS):
        table.insert(position, name, getattr(predictions, name))
    return table


def _write_npz(path: Path, predictions: Predictions) -> None:
    np.savez_compressed(
        path,
        sample_id=predictions.sample_id,
        text_number=predictions.text_number,
        blendshapes=predictions.blendshapes.astype(np.float32),
        names=np.array(BLENDSHAPES),
        vocabulary=np.array(VOCABULARY_HASH),
    )


def _write_parquet(path: Path, predictions: Predictions) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(table_of(predictions), preserve_index=False)
    metadata = {**(table.schema.metadata or {}), METADATA_KEY: VOCABULARY_HASH.encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path)


def _write_jsonl(path: Path, predictions: Predictions) -> None:
    columns = [predictions.sample_id.tolist(), predictions.text_number.tolist()]
    scores = [[float(str(score)) for score in row] for row in predictions.blendshapes.astype(np.float32)]
    with path.open("w", encoding="utf-8") as file:
        for sample_id, text_number, row in zip(*columns, scores, strict=True):
            file.write(json.dumps(dict(zip(COLUMNS, (sample_id, text_number, *row), strict=True))) + "\n")


def _read_npz(path: Path) -> pd.DataFrame:
    import pandas as pd

    arrays = _arrays(path)
    absent = [name for name in ("sample_id", "blendshapes", "names") if name not in arrays]
    if absent:
        names = ", ".join(absent)
        cure = f"names tells which blendshape each column is: {SAVED}"
        raise DataError(f"{path}: the arrays {names} are missing; {cure}")
    _check_vocabulary(str(arrays.get("vocabulary", VOCABULARY_HASH)), path)
    scores, rows = arrays["blendshapes"], len(np.atleast_1d(arrays["sample_id"]))
    if scores.shape != (rows, arrays["names"].size):
        expected = (rows, arrays["names"].size)
        raise DataError(
            f"{path}: blendshapes has the shape {scores.shape}, sample_id and names say {expected}"
        )
    table = pd.DataFrame(scores, columns=[str(name) for name in arrays["names"].ravel()])
    for name in set(KEYS) & set(arrays):
        if arrays[name].shape != (rows,):
            raise DataError(f"{path}: {name} has the shape {arrays[name].shape}, expected ({rows},)")
        table[name] = arrays[name]
    return table


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as parts:
            foreign = [name for name in parts.namelist() if not name.endswith(".npy")]
        with np.load(path, allow_pickle=False) as file:
            arrays = {} if foreign else {name: file[name] for name in file.files}
    # a RuntimeError is of a part that is encrypted or packed in an unknown way
    except (OSError, ValueError, EOFError, RuntimeError, MemoryError, *PACKED) as error:
        raise DataError(f"{path}: not a readable .npz file ({error}); write it again: {SAVED}") from error
    if foreign:
        raise DataError(f"{path}: {', '.join(foreign)} is no array; write the file by {SAVED}")
    return arrays


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a readable parquet file ({error})") from error
    metadata = table.schema.metadata or {}
    _check_vocabulary(metadata.get(METADATA_KEY, VOCABULARY_HASH.encode()).decode(), path)
    return table.to_pandas()


def _read_jsonl(path: Path) -> pd.DataFrame:
    import pandas as pd

    rows, lines, problems = [], [], []
    for number, line in enumerate(read_text(path).split("\n")):
        try:
            row = parse(line) if line.strip() else None
        except ValueError as error:
            problems.append((number, str(error)))
            continue
        if isinstance(row, dict):
            rows.append(row)
            lines.append(number)
        elif row is not None:
            problems.append((number, f"an object was expected, not {line[:40]!r}"))
    refuse(problems, str(path))
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return pd.DataFrame(rows, columns=columns, index=pd.Index(lines, name=LINE))


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        # cells as text: a check of each cell can then say what stands there
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a readable CSV file ({error})") from error
    table = table.iloc[1:].reset_index(drop=True).set_axis(table.iloc[0].tolist(), axis=1)
    return live_link_table(table) if is_live_link(list(table.columns)) else table


def _check_vocabulary(found: str, path: Path) -> None:
    if found != VOCABULARY_HASH:
        raise DataError(
            f"{path}: written with another set or order of blendshapes "
            f"(vocabulary {found}, this is {VOCABULARY_HASH}); write it again with this version"
        )


WRITERS = {
    ".npz": _write_npz,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
    ".csv": lambda path, predictions: table_of(predictions).to_csv(path, index=False),
}
READERS = {
    ".npz": _read_npz,
    ".parquet": _read_parquet,
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".json": read_arkit_json,
}
