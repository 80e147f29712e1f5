"""data=mini: the offline data set, read from the folder that the data set builder made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.records import N_BLENDSHAPES, Corpus, ImageRef
from emo3d_exp.vocab import EMOTIONS

TABLE = "assemble/00000.parquet"
"""Assembled table of a built folder; its images lie in the shards under ``images/``."""


def load_mini(folder: Path | str) -> Corpus:
    """The corpus of a built folder: one text and one face a sample. Images are not decoded.

    Raises:
        DataError: there is no assembled table in the folder, or it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(folder).resolve()
    if not (folder / TABLE).is_file():
        raise DataError(
            f"{folder} holds no built data set ({TABLE} is missing); run: "
            f"python build_data.py data.folder={folder}"
        )
    try:
        table = pq.read_table(folder / TABLE).combine_chunks()
        shards, rows, keys = (table[f"image_{part}"].to_pylist() for part in ("shard", "row", "key"))
        blendshapes = table["blendshapes"].combine_chunks().flatten().to_numpy().reshape(-1, N_BLENDSHAPES)
        numbers = np.arange(len(table), dtype=np.int64)
        return Corpus(
            name="mini",
            sample_id=table["sample_id"].to_numpy().astype(np.int64),
            emotions=np.stack([table[name].to_numpy() for name in EMOTIONS], axis=1).astype(np.float32),
            published_split=np.array(table["split"].to_pylist(), dtype=np.str_),
            text=tuple(table["text_1"].to_pylist()),
            text_sample=numbers,
            text_number=np.ones_like(numbers),
            image=tuple(
                ImageRef(f"{folder / shard}!{row}", key)
                for shard, row, key in zip(shards, rows, keys, strict=True)
            ),
            blendshapes=blendshapes.astype(np.float32),
            face_sample=numbers,
            face_number=np.ones_like(numbers),
        )
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise DataError(
            f"{folder / TABLE} is damaged ({error}); delete {folder} to build it again"
        ) from error


def mini_people(corpus: Corpus) -> tuple[list[str | None], list[str | None]]:
    """Age and gender of the person on each face of a corpus that :func:`load_mini` read, None for any.

    Raises:
        DataError: the corpus is another, or its table is gone.
    """
    import pyarrow.parquet as pq

    if corpus.name != "mini" or not corpus.image or corpus.image[0] is None:
        raise DataError(f"data={corpus.name} does not say who is on its faces; data=mini does")
    shard = Path(corpus.image[0].location.rpartition("!")[0])
    try:
        table = pq.read_table(shard.parents[1] / TABLE, columns=["sample_id", "age", "gender"])
    except OSError as error:
        raise DataError(
            f"{shard.parents[1] / TABLE} cannot be read ({error}); build the data again"
        ) from error
    known = {sample: (age, gender) for sample, age, gender in zip(*table.to_pydict().values(), strict=True)}
    people = [known[int(sample)] for sample in corpus.sample_id[corpus.face_sample]]
    return [age for age, _ in people], [gender for _, gender in people]


class MiniData:
    """The ``data=mini`` choice.

    Args:
        folder: a folder that ``emo3d_exp.dataset_builder.ensure_mini`` returned.
        rows, seed, image_size, jpeg_quality, rig, processes: what it is built with where it is not there yet
            (see ``ensure_mini``); nothing of it changes how a folder is loaded.
    """

    name = "mini"

    def __init__(
        self,
        folder: str | None = None,
        rows: int | None = None,
        seed: int = 0,
        image_size: int = 128,
        jpeg_quality: int = 95,
        rig: str = "builtin",
        processes: int | None = None,
    ) -> None:
        self.folder = folder
        self.build_settings = {
            "rows": rows,
            "seed": seed,
            "image_size": image_size,
            "jpeg_quality": jpeg_quality,
            "rig": rig,
            "processes": processes,
        }

    def load(self) -> Corpus:
        """The corpus.

        Raises:
            DataError: no folder was given, or it holds no built data set.
        """
        if self.folder is None:
            raise DataError("data=mini has not been built: call emo3d_exp.dataset_builder.ensure_mini first")
        return load_mini(self.folder)
