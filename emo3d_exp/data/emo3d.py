"""data=emo3d: the published data set, from a local folder or from the Hugging Face hub."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emo3d_exp.data.archives import ImageFinder
from emo3d_exp.data.gathering import gather
from emo3d_exp.data.problems import Problem, settle
from emo3d_exp.data.table import Row, checked_rows, find_tables
from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus, ImageRef

log = logging.getLogger(__name__)


def load_emo3d(
    root: Path | str | None = None,
    on_bad_rows: str = "refuse",
    parts: Sequence[str] | str = "all",
    hub_id: str = "llm-lab/Emo3D",
    name: str = "emo3d",
) -> Corpus:
    """Read a table in the published layout.

    Args:
        root: folder with ``emo3d_data.parquet`` or the three CSV files, and the image archives or unpacked
            images, each in the folder itself or in ``data/``. None fetches the published files.
        on_bad_rows: ``"refuse"`` the table, or ``"skip"`` its bad rows with a logged summary.
        parts: image archives to fetch, ``"all"`` or stems; not used with a local folder.
        hub_id: data set on the Hugging Face hub.
        name: of the corpus.

    Returns:
        The corpus. Images that are named but absent are None; an image without scores keeps its place
        with a row of NaN. Intensities stay as published: they need not sum to 1.

    Raises:
        DataError: no table, an unreachable hub, or bad rows: all at once, with file, row, column and reason,
            in the message and, where they are too many for it, in a text file that it names.
    """
    from emo3d_exp.data.hub import fetch

    folder = fetch(parts, hub_id) if root is None else Path(root).expanduser()
    rows = read_published(folder, on_bad_rows, name)
    return gather(name, rows, find_images(rows, ImageFinder((folder / "data", folder))))


def read_published(folder: Path, on_bad_rows: str = "refuse", name: str = "emo3d") -> list[Row]:
    """One checked row a sample of the table under a folder, in the order of sample ids.

    Raises:
        DataError: as :func:`load_emo3d`.
    """
    problems: list[Problem] = []
    rows: dict[int, Row] = {}
    seen: set[tuple[str, int]] = set()
    for file, split in find_tables(folder):
        for row in checked_rows(file, split, problems):
            _add(rows, row, problems)
            seen.add((row.file, row.number))
    seen |= {(problem.file, problem.row) for problem in problems}
    settle(problems, on_bad_rows, len(seen), name)
    if not rows:
        raise DataError(f"the Emo3D table under {folder} has no usable row")
    return [rows[key] for key in sorted(rows)]


def _add(rows: dict[int, Row], row: Row, problems: list[Problem]) -> None:
    """Add a row; a sample told in several rows becomes one, which holds all their texts and faces."""
    first = rows.setdefault(row.sample_id, row)
    if first is row:
        return
    where = f"{first.file}, row {first.number}"
    if first.split != row.split:
        reason = f"the sample stands in {where} too, so the splits {first.split} and {row.split} share it"
    elif not np.allclose(first.emotions, row.emotions, atol=1e-6):
        reason = f"the sample stands in {where} too, with other emotions"
    else:
        texts, faces = (max((n for n, *_ in each), default=0) for each in (first.texts, first.faces))
        first.texts += [(texts + i, text) for i, (_, text) in enumerate(row.texts, 1)]
        first.faces += [(faces + i, *face) for i, (_, *face) in enumerate(row.faces, 1)]
        return
    problems.append(Problem(row.file, row.number, "sample_id", reason, row.sample_id))


def find_images(rows: Sequence[Row], finder: ImageFinder) -> list[ImageRef | None]:
    """The picture of every face of every row, in order; None where none is named, or it is not there.

    Raises:
        DataError: an archive is damaged.
    """
    names = [image for row in rows for _, image, _ in row.faces]
    images = [None if image is None else finder.find(image) for image in names]
    named = sum(image is not None for image in names)
    found = sum(image is not None for image in images)
    if found < named:
        log.warning(
            "%d of %d images are neither unpacked nor in one of %d archives under %s; their faces stay "
            "without image", named - found, named, len(finder.archives), finder.folders[-1],
        )  # fmt: skip
    return images


class Emo3DData:
    """The ``data=emo3d`` choice; see :func:`load_emo3d` for the settings."""

    name = "emo3d"

    def __init__(
        self,
        root: str | None = None,
        on_bad_rows: str = "refuse",
        parts: Sequence[str] | str = "all",
        hub_id: str = "llm-lab/Emo3D",
    ) -> None:
        self.root = root
        self.on_bad_rows = on_bad_rows
        self.parts = parts if isinstance(parts, str) else list(parts)
        self.hub_id = hub_id

    def load(self) -> Corpus:
        """The corpus, read anew. Raises DataError as :func:`load_emo3d` does."""
        return load_emo3d(self.root, self.on_bad_rows, self.parts, self.hub_id, self.name)
