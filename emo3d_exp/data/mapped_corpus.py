"""A corpus whose columns stay in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from emo3d_exp.backbones import StoredRows
from emo3d_exp.backbones.stored_rows import Parts
from emo3d_exp.data.mapped_columns import Columns, JoinedTexts, MappedImages, Taken
from emo3d_exp.records import Corpus


class Chosen(NamedTuple):
    """Rows of the files, int64, and whose they are: ``text_sample`` and ``face_sample`` are rows of
    ``samples``."""

    samples: np.ndarray
    texts: np.ndarray
    faces: np.ndarray
    text_sample: np.ndarray
    face_sample: np.ndarray


class MappedCorpus(Corpus):
    """A table that is not in memory, with the fields of :class:`Corpus`.

    Of a part of it (``select``), what is not in the files is an index of 8 bytes a sample and 16 a text and a
    face; its columns copy out what is asked for, and are arrays in no other respect. ``loaded`` gives an
    ordinary corpus.

    Args:
        name: of the corpus. columns: of the whole table.
        chosen: what of it, in this order; None: all of it.
        known_fingerprint: of what is chosen, where it has been computed before.
        samples_in_memory: what there is once a sample is an array in memory.
    """

    def __init__(
        self,
        name: str,
        columns: Columns,
        chosen: Chosen | None = None,
        known_fingerprint: str | None = None,
        samples_in_memory: bool = False,
    ) -> None:
        object.__setattr__(self, "_columns", columns)
        object.__setattr__(self, "_chosen", chosen)
        object.__setattr__(self, "_known_fingerprint", known_fingerprint)
        rows = chosen or Chosen(*([None] * 5))  # type: ignore[arg-type]

        def column(field: str, taken: np.ndarray | None) -> np.ndarray | Taken:
            values = columns.numbers(field)
            return values if taken is None else Taken(values, taken)

        def of_samples(field: str) -> np.ndarray | StoredRows | Taken:
            stored = self._stored(field, rows.samples) if field == "emotions" else column(field, rows.samples)
            return np.array(stored[:]) if samples_in_memory else stored

        texts = columns.texts("text")
        super().__init__(
            name=name,
            sample_id=of_samples("sample_id"),  # type: ignore[arg-type]
            emotions=of_samples("emotions"),  # type: ignore[arg-type]
            published_split=of_samples("published_split"),  # type: ignore[arg-type]
            text=texts if chosen is None else texts.take(rows.texts),  # type: ignore[arg-type]
            text_sample=columns.numbers("text_sample") if chosen is None else rows.text_sample,
            text_number=column("text_number", rows.texts),  # type: ignore[arg-type]
            image=MappedImages(columns, rows.faces),  # type: ignore[arg-type]
            blendshapes=self._stored("blendshapes", rows.faces),  # type: ignore[arg-type]
            face_sample=columns.numbers("face_sample") if chosen is None else rows.face_sample,
            face_number=column("face_number", rows.faces),  # type: ignore[arg-type]
        )

    def _stored(self, field: str, rows: np.ndarray | None) -> np.ndarray | StoredRows:
        values = self._columns.numbers(field)
        if rows is None:
            return values
        parts = Parts(values.shape[1])
        parts.append(values)
        return StoredRows(parts, rows)

    def _flags(self, field: str) -> np.ndarray:
        values = self._columns.numbers(field)
        return values if self._chosen is None else values[self._chosen.faces]

    @property
    def has_blendshapes(self) -> np.ndarray:
        return self._flags("scored")

    @property
    def has_image(self) -> np.ndarray:
        return self._flags("pictured")

    def text_emotions(self) -> StoredRows:
        """See :meth:`Corpus.text_emotions`; the rows stay in the file."""
        rows = self.text_sample if self._chosen is None else self._chosen.samples[self.text_sample]
        return self._stored("emotions", rows)  # type: ignore[return-value]

    def select(self, samples: np.ndarray) -> MappedCorpus:
        """See :meth:`Corpus.select`; row numbers may stand in any order, in which texts and faces follow."""
        rows = np.flatnonzero(samples) if np.asarray(samples).dtype == bool else np.asarray(samples)
        new_row = np.full(len(self), -1, dtype=np.int64)
        new_row[rows] = np.arange(len(rows))
        texts, text_sample = _following(new_row, self.text_sample)
        faces, face_sample = _following(new_row, self.face_sample)
        if self._chosen is not None:
            rows, texts, faces = (
                own[new] for own, new in zip(self._chosen[:3], (rows, texts, faces), strict=True)
            )
        return MappedCorpus(self.name, self._columns, Chosen(rows, texts, faces, text_sample, face_sample))

    def with_texts(self, rows: np.ndarray, texts: Sequence[str]) -> MappedCorpus:
        """See :meth:`Corpus.with_texts`, for a part of the table; ``texts`` are looked at when asked for."""
        text, own = JoinedTexts(self.text, texts), self._chosen
        whose = np.concatenate([self.text_sample, self.text_sample[rows]])
        chosen = own._replace(texts=np.concatenate([own.texts, own.texts[rows]]), text_sample=whose)
        made = MappedCorpus(self.name, self._columns, chosen)
        object.__setattr__(made, "text", text)
        return made

    def reordered(self, order: np.ndarray, fingerprint: str) -> MappedCorpus:
        """All that is left of the table, put in order: what there is once a sample is held in memory."""
        chosen = self.select(order)._chosen
        return MappedCorpus(self.name, self._columns, chosen, fingerprint, samples_in_memory=True)

    def fingerprint(self) -> str:
        return self._known_fingerprint or super().fingerprint()

    def loaded(self) -> Corpus:
        """The same as an ordinary corpus, in memory."""
        values = {field.name: getattr(self, field.name) for field in fields(Corpus) if field.name != "name"}
        columns = {
            field: tuple(column) if field in ("text", "image") else np.array(column[:])
            for field, column in values.items()
        }
        return Corpus(name=self.name, **columns)


def _following(new_row: np.ndarray, sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of what belongs to the samples that have a new row, by that row, and the new row of each."""
    new = new_row[sample]
    rows = np.flatnonzero(new >= 0)
    new = new[rows]
    if (np.diff(new) < 0).any():
        order = np.argsort(new, kind="stable")
        rows, new = rows[order], new[order]
    return rows, new
