"""Writes a corpus, or our table, in the layout of the published data set."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.data.images import encoded_bytes
from emo3d_exp.data.table import FACE_NUMBERS, PARQUET_FILE, SCORE_COLUMNS, SPLIT_FILES, TEXT_NUMBERS, Row
from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus, ImageRef
from emo3d_exp.runs import write_atomically
from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

ARCHIVE = "prompt1_images_0_1000"
"""Of pictures that have no published name."""
PROMPT_TYPE = "1"


def write_published_table(corpus: Corpus, folder: Path | str, parquet: bool = False) -> Path:
    """Write ``folder/data``: the three CSV files (or the one parquet file) and one archive of images.

    Args:
        corpus: with a split for every sample, where CSV files are written. A sample with more than 3 texts or
            4 faces takes several rows.
        parquet: write ``emo3d_data.parquet`` in place of the CSV files.

    Returns:
        ``folder``, for ``load_emo3d(root=…)``.

    Raises:
        DataError: the corpus does not fit the layout.
    """
    if any(ref is not None and ref.mirrored for ref in corpus.image):
        raise DataError("mirrored pictures have no files to write; write the corpus before it is augmented")
    splits = [""] * len(corpus) if parquet else corpus.published_split.tolist()
    rows = [
        Row("", number, split, int(sample), shortest(emotions), prompt_type=PROMPT_TYPE)
        for number, (sample, split, emotions) in enumerate(
            zip(corpus.sample_id, splits, corpus.emotions, strict=True), 1
        )
    ]
    for text, sample, number in zip(corpus.text, corpus.text_sample, corpus.text_number, strict=True):
        rows[sample].texts.append((int(number), text))
    pictures: dict[str, ImageRef] = {}
    scored = corpus.has_blendshapes
    for face, (sample, number) in enumerate(zip(corpus.face_sample, corpus.face_number, strict=True)):
        name, ref = None, corpus.image[face]
        if ref is not None:
            name = given_name(int(corpus.sample_id[sample]), int(number))
            pictures[name] = ref
        scores = shortest(corpus.blendshapes[face]) if scored[face] else None
        rows[sample].faces.append((int(number), name, scores))
    return write_rows(rows, pictures, Path(folder), parquet)


def write_rows(rows: Sequence[Row], pictures: dict[str, ImageRef], folder: Path, parquet: bool) -> Path:
    """Write checked rows, one a sample, in the published layout.

    Args:
        rows: their faces' second entries are the names of pictures in the layout.
        pictures: by name; each goes to the archive that its first folder names.

    Raises:
        DataError: the rows do not fit the layout.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    laid = [each for row in rows for each in _laid_out(row)]
    frame = _frame(laid)
    if parquet:
        if any(row.split for row in rows):
            frame["split"] = [row.split or None for row in laid]
        with write_atomically(data / PARQUET_FILE) as partial:
            frame.to_parquet(partial, index=False)
    else:
        _write_csv(laid, frame, data)
    _write_archives(pictures, data)
    return folder


def given_name(sample: int, number: int) -> str:
    """The name in the published layout of a picture that has none there."""
    return f"{ARCHIVE}/{sample}_{number - 1}.jpeg"


def shortest(values: np.ndarray) -> np.ndarray:
    """float64 numbers that print as shortly as the float32 do: 0.3, not 0.30000001192092896."""
    return np.array([float(str(value)) for value in values.astype(np.float32)])


def _laid_out(row: Row) -> list[Row]:
    """The sample in as many rows as its texts and faces need, numbered from 1 in each."""
    texts, faces = len(TEXT_NUMBERS), len(FACE_NUMBERS)
    blocks = [(number - 1) // texts for number, _ in row.texts]
    count = max([0, *blocks, *((number - 1) // faces for number, *_ in row.faces)]) + 1
    laid = [
        Row(row.file, row.number, row.split, row.sample_id, row.emotions, prompt_type=row.prompt_type)
        for _ in range(count)
    ]
    for number, name, scores in row.faces:
        laid[(number - 1) // faces].faces.append(((number - 1) % faces + 1, name, scores))
    if len(set(blocks)) == count:
        for block, (number, text) in zip(blocks, row.texts, strict=True):
            laid[block].texts.append(((number - 1) % texts + 1, text))
    elif len(row.texts) >= count:  # more rows for the faces than for the texts, and each needs a text
        for each, places in zip(laid, np.array_split(np.arange(len(row.texts)), count), strict=True):
            each.texts = [(number, row.texts[place][1]) for number, place in enumerate(places, 1)]
    else:
        raise DataError(
            f"sample {row.sample_id} has {len(row.faces)} faces and {len(row.texts)} texts: the published "
            "layout has room for 3 texts and 4 faces in a row, and every row needs a text"
        )
    return laid


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, list] = {"sample_id": [row.sample_id for row in rows]}
    columns["prompt_type"] = [row.prompt_type for row in rows]
    columns |= {f"text_{number}": [None] * len(rows) for number in TEXT_NUMBERS}
    columns |= {emotion: [float(row.emotions[i]) for row in rows] for i, emotion in enumerate(EMOTIONS)}  # type: ignore[index]
    columns |= {f"img_{number}": [None] * len(rows) for number in FACE_NUMBERS}
    columns |= {SCORE_COLUMNS[0].format(number): [None] * len(rows) for number in FACE_NUMBERS}
    for place, row in enumerate(rows):
        for number, text in row.texts:
            columns[f"text_{number}"][place] = text
        for number, name, scores in row.faces:
            columns[f"img_{number}"][place] = name
            columns[SCORE_COLUMNS[0].format(number)][place] = None if scores is None else _printed(scores)
    return pd.DataFrame(columns)


def _printed(scores: np.ndarray) -> str:
    """As numpy prints an array, with its line breaks, but with all digits."""
    return np.array2string(scores, max_line_width=75, threshold=len(scores) + 1, floatmode="unique")


def _write_csv(rows: Sequence[Row], frame: pd.DataFrame, data: Path) -> None:
    parts = np.array([row.split for row in rows])
    if not np.isin(parts, list(SPLIT_FILES)).all():
        raise DataError("the three CSV files need a split for every sample; write parquet instead")
    for split, name in SPLIT_FILES.items():
        with write_atomically(data / name) as partial:
            frame[parts == split].to_csv(partial, index=False)


def _write_archives(pictures: dict[str, ImageRef], data: Path) -> None:
    archives: dict[str, list[str]] = {}
    for name in pictures:
        folder, inside, _ = name.partition("/")
        archives.setdefault(folder if inside else ARCHIVE, []).append(name)
    for stem, names in archives.items():
        archive = data / (f"{stem}.zip" if "_images" in stem else f"{stem}_images.zip")
        with write_atomically(archive) as partial, zipfile.ZipFile(partial, "w") as opened:
            for name in names:
                opened.writestr(zipfile.ZipInfo(name), encoded_bytes(pictures[name]))
