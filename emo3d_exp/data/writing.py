"""Writes a corpus in the layout of the published data set."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.data.images import encoded_bytes
from emo3d_exp.data.table import FACE_NUMBERS, PARQUET_FILE, SCORE_COLUMNS, SPLIT_FILES, TEXT_NUMBERS
from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus
from emo3d_exp.runs import write_atomically
from emo3d_exp.vocab import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

ARCHIVE = "prompt1_images_0_1000"


def write_published_table(corpus: Corpus, folder: Path | str, parquet: bool = False) -> Path:
    """Write ``folder/data``: the three CSV files (or the one parquet file) and one archive of images.

    Args:
        corpus: with at most 3 texts and 4 faces a sample, and, for CSV, a split for every sample.
        parquet: write ``emo3d_data.parquet`` in place of the CSV files.

    Returns:
        ``folder``, for ``load_emo3d(root=…)``.

    Raises:
        DataError: the corpus does not fit the layout.
    """
    if any(ref is not None and ref.mirrored for ref in corpus.image):
        raise DataError("mirrored pictures have no files to write; write the corpus before it is augmented")
    data = Path(folder) / "data"
    data.mkdir(parents=True, exist_ok=True)
    frame = _frame(corpus)
    if parquet:
        with write_atomically(data / PARQUET_FILE) as partial:
            frame.to_parquet(partial, index=False)
    else:
        _write_csv(corpus, frame, data)
    if any(ref is not None for ref in corpus.image):
        _write_archive(corpus, data / f"{ARCHIVE}.zip")
    return Path(folder)


def _frame(corpus: Corpus) -> pd.DataFrame:
    import pandas as pd

    if (corpus.text_number > max(TEXT_NUMBERS)).any() or (corpus.face_number > max(FACE_NUMBERS)).any():
        raise DataError("the published layout has room for 3 texts and 4 faces a sample")
    columns: dict[str, list] = {"sample_id": corpus.sample_id.tolist(), "prompt_type": [1] * len(corpus)}
    columns |= {f"text_{number}": [None] * len(corpus) for number in TEXT_NUMBERS}
    for text, sample, number in zip(corpus.text, corpus.text_sample, corpus.text_number, strict=True):
        columns[f"text_{number}"][sample] = text
    columns |= {emotion: corpus.emotions[:, i].astype(float).tolist() for i, emotion in enumerate(EMOTIONS)}
    columns |= {f"img_{number}": [None] * len(corpus) for number in FACE_NUMBERS}
    columns |= {SCORE_COLUMNS[0].format(number): [None] * len(corpus) for number in FACE_NUMBERS}
    scored = corpus.has_blendshapes
    for face, (sample, number) in enumerate(zip(corpus.face_sample, corpus.face_number, strict=True)):
        if corpus.image[face] is not None:
            columns[f"img_{number}"][sample] = _image_name(corpus, face)
        if scored[face]:
            columns[SCORE_COLUMNS[0].format(number)][sample] = _printed(corpus.blendshapes[face])
    return pd.DataFrame(columns)


def _printed(scores: np.ndarray) -> str:
    """As numpy prints an array, with its line breaks, but with all digits of a float32."""
    return np.array2string(scores, max_line_width=75, threshold=len(scores) + 1, floatmode="unique")


def _image_name(corpus: Corpus, face: int) -> str:
    number = corpus.face_number[face] - 1
    return f"{ARCHIVE}/{corpus.sample_id[corpus.face_sample[face]]}_{number}.jpeg"


def _write_csv(corpus: Corpus, frame: pd.DataFrame, data: Path) -> None:
    if not np.isin(corpus.published_split, list(SPLIT_FILES)).all():
        raise DataError("the three CSV files need a split for every sample; write parquet instead")
    for split, name in SPLIT_FILES.items():
        with write_atomically(data / name) as partial:
            frame[corpus.published_split == split].to_csv(partial, index=False)


def _write_archive(corpus: Corpus, archive: Path) -> None:
    with write_atomically(archive) as partial, zipfile.ZipFile(partial, "w") as opened:
        for face, ref in enumerate(corpus.image):
            if ref is not None:
                opened.writestr(_image_name(corpus, face), encoded_bytes(ref))
