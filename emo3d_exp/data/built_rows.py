"""Checks of the rows of our table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from emo3d_exp.data.archives import safe_name
from emo3d_exp.data.intensities import checked_intensities
from emo3d_exp.data.problems import Problem
from emo3d_exp.data.table import SPLIT_FILES, Row
from emo3d_exp.data.vectors import parse_blendshapes
from emo3d_exp.records import ImageRef
from emo3d_exp.vocab import EMOTIONS


def checked_row(file: str, number: int, cells: Mapping[str, Any], problems: list[Problem]) -> Row | None:
    """A row of our table, None where it is bad; what is wrong with it is added to ``problems``.

    Args:
        cells: of the columns of ``table_schema``. A face's second entry in the row is an :class:`ImageRef`
            with the location as the table has it.
    """
    reader = _Reader(Row(file, number, ""), cells)
    row = reader.read()
    problems += reader.problems
    return None if reader.problems else row


class _Reader:
    def __init__(self, row: Row, cells: Mapping[str, Any]) -> None:
        self.row, self.cells = row, cells
        self.problems: list[Problem] = []

    def read(self) -> Row:
        self._read_sample_id()
        self._read_split()
        self._read_emotions()
        self._read_texts()
        self._read_faces()
        return self.row

    def _report(self, column: str, reason: str) -> None:
        known = self.row.sample_id if self.row.sample_id >= 0 else None
        self.problems.append(Problem(self.row.file, self.row.number, column, reason, known))

    def _read_sample_id(self) -> None:
        value = self.cells["sample_id"]
        if isinstance(value, int) and value >= 0:
            self.row.sample_id = value
        else:
            self._report("sample_id", f"{value!r} is no sample id (a whole number from 0)")

    def _read_split(self) -> None:
        value = self.cells["split"]
        if value not in (None, "", *SPLIT_FILES):
            self._report("split", f"{value!r} is none of {', '.join(SPLIT_FILES)}")
        self.row.split = str(value or "")
        kind = self.cells.get("prompt_type")
        self.row.prompt_type = None if kind is None else str(kind)

    def _read_emotions(self) -> None:
        cells = {emotion: self.cells[emotion] for emotion in EMOTIONS}
        self.row.emotions = checked_intensities(cells, self._report, numbers_only=True)

    def _read_texts(self) -> None:
        texts = self.cells["texts"]
        if texts is not None and not isinstance(texts, list):
            self._report("texts", f"{texts!r} is no list of texts")
            return
        for number, text in enumerate(texts or (), 1):
            if text is not None and not isinstance(text, str):
                self._report("texts", f"{text!r} is no text")
            elif text is not None and text.strip():
                self.row.texts.append((number, text))
        if not self.row.texts:
            self._report("texts", "no text")

    def _read_faces(self) -> None:
        faces = self.cells["faces"]
        if faces is not None and not (isinstance(faces, list) and all(isinstance(f, dict) for f in faces)):
            self._report("faces", "is no list of faces")
            return
        numbers: set[int] = set()
        for face in faces or ():
            number = face.get("face_number")
            if not isinstance(number, int) or number < 1 or number in numbers:
                self._report("faces", f"face number {number!r} is no number from 1, or stands twice")
                continue
            numbers.add(number)
            self.row.faces.append((number, self._image(face), self._scores(face)))  # type: ignore[arg-type]

    def _image(self, face: Mapping[str, Any]) -> ImageRef | None:
        location = face.get("image_location")
        if location is None:
            return None
        number = face["face_number"]
        try:
            container = str(location).partition("!")[0]
            if ".." in container.replace("\\", "/").split("/"):
                safe_name(container)
        except ValueError as error:
            self._report("faces", f"face {number}: {error}")
            return None
        if not face.get("image_key"):
            self._report("faces", f"face {number}: a picture without image_key")
        return ImageRef(str(location), str(face.get("image_key")))

    def _scores(self, face: Mapping[str, Any]) -> np.ndarray | None:
        scores = face.get("blendshapes")
        if scores is None:
            return None
        try:
            if any(score is None for score in scores):
                raise ValueError("holds a number that is missing")
            return parse_blendshapes(scores, np.float64)
        except (TypeError, ValueError) as error:
            self._report("faces", f"face {face['face_number']}: blendshapes: {error}")
            return None
