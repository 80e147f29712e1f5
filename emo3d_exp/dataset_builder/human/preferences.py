"""Pairwise preferences between systems' faces: blind sheets, and what the answers say."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from emo3d_exp.dataset_builder.human.answers import annotator_names, read_answers, read_key
from emo3d_exp.dataset_builder.human.sampling import Item
from emo3d_exp.dataset_builder.human.sheets import write_csv, write_form
from emo3d_exp.errors import ConfigError, DataError

CHOICES = ("left", "right", "same")
QUESTION = "Which face shows better what the text describes?"
KEY_COLUMNS = ("sample_id", "text_number", "left", "right")
QUALITY = 90


@dataclass(frozen=True)
class Preference:
    """One question. answers: of each annotator, 1 for the left system, -1 for the right one, 0 for
    neither."""

    sample_id: int
    text_number: int
    left: str
    right: str
    answers: tuple[float, ...]

    def towards(self, system: str) -> list[float]:
        """The answers, 1 for that system."""
        sign = 1.0 if self.left == system else -1.0
        return [sign * answer for answer in self.answers]


def write_preference_sheets(
    items: Sequence[Item], pictures: Mapping[str, np.ndarray], folder: Path | str, seed: int = 0
) -> dict[str, Path]:
    """Write ``preferences.html`` (a form with the pictures inside), ``preferences.csv`` with the folder
    ``pictures``, and ``preferences_key.csv`` (which system is where; not for annotators).

    Every pair of systems is shown for every text; order of the questions and sides are random. File names and
    pages do not tell the systems.

    Args:
        pictures: system → (N, H, W, 3) uint8 RGB, a face for each item.

    Raises:
        ConfigError: fewer than two systems, or pictures that do not match the items.
    """
    bad = [name for name, faces in pictures.items() if len(faces) != len(items)]
    if len(pictures) < 2 or bad or not items:
        raise ConfigError(
            f"preferences need two systems with a picture for each of {len(items)} texts; got "
            + ", ".join(f"{name}: {len(faces)}" for name, faces in pictures.items())
        )
    folder, rng = Path(folder), np.random.default_rng(seed)
    asked = [(item, *pair) for item in range(len(items)) for pair in combinations(pictures, 2)]
    sheet, key, questions = [], [], []
    for number, place in enumerate(rng.permutation(len(asked)).tolist(), 1):
        item, *pair = asked[place]
        sides = [pair[side] for side in rng.permutation(2)]
        jpegs = [_jpeg(pictures[system][item]) for system in sides]
        names = [f"pictures/{number:04d}_{side}.jpg" for side in CHOICES[:2]]
        for name, jpeg in zip(names, jpegs, strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(jpeg)
        sheet.append((number, items[item].text, *names, ""))
        key.append((number, items[item].sample_id, items[item].text_number, *sides))
        inside = [f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" for jpeg in jpegs]
        questions.append({"keys": [number], "text": items[item].text, "pictures": inside})
    return _write(folder, sheet, key, questions)


def _write(folder: Path, sheet: list, key: list, questions: list) -> dict[str, Path]:
    names = {
        "sheet": folder / "preferences.csv",
        "form": folder / "preferences.html",
        "key": folder / "preferences_key.csv",
    }
    write_csv(names["sheet"], ("number", "text", "left_picture", "right_picture", "choice"), sheet)
    write_csv(names["key"], ("number", *KEY_COLUMNS), key)
    form = {
        "question": QUESTION,
        "columns": ["number", "choice"],
        "choices": [["left", "left"], ["same", "equally well"], ["right", "right"]],
        "items": questions,
        "file": "preferences",
    }
    write_form(names["form"], "Faces for texts", form)
    return names


def _jpeg(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def read_preferences(key: Path | str, answers: Sequence[Path | str]) -> list[Preference]:
    """Every annotator's answer to every question.

    Raises:
        ConfigError: no file. DataError: any defect of a file, with its row.
    """
    if not answers:
        raise ConfigError("human.answers=[]: an annotator's file is needed")
    known = read_key(key, ["number"], KEY_COLUMNS)
    if not known:
        raise DataError(f"{key} has no row")
    annotator_names(answers)  # refuses a file that is given twice
    given = [read_answers(path, ["number"], "choice", known, CHOICES) for path in answers]
    found = []
    for number, row in known.items():
        values = [{"left": 1.0, "same": 0.0, "right": -1.0}[each[number]] for each in given]
        prompt = (_whole(key, row, "sample_id"), _whole(key, row, "text_number"))
        found.append(Preference(*prompt, row["left"], row["right"], tuple(values)))
    return found


def _whole(key: Path | str, row: Mapping[str, str], column: str) -> int:
    try:
        return int(row[column])
    except ValueError:
        raise DataError(
            f"{key}: {column} {row[column]!r} of number {row['number']} is no whole number"
        ) from None
