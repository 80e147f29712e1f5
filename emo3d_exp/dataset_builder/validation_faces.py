"""Checks of the faces of a data set: scores, and the pictures they belong to."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from emo3d_exp.data.images import encoded_bytes
from emo3d_exp.dataset_builder.findings import Finding, found
from emo3d_exp.dataset_builder.image_checks import image_key
from emo3d_exp.errors import DataError
from emo3d_exp.records import Corpus, ImageRef
from emo3d_exp.vocab import BLENDSHAPES

STILL = 1e-3
"""A shape whose scores spread less never moves."""
LOST_SHARE = 0.05
"""Of faces that were not found; more are a warning."""


def face_findings(corpus: Corpus, reasons: Mapping[str, int] | None = None) -> list[Finding]:
    """What stands out in the blendshapes.

    Args:
        reasons: why faces were not found, with counts, where the table knows.
    """
    scores = corpus.blendshapes
    scored, empty = corpus.has_blendshapes, np.isnan(scores).all(axis=1)
    inside = np.where(np.isfinite(scores), (scores >= 0) & (scores <= 1), True).all(axis=1)
    return [
        *found("faces", "error", "faces with scores that are not finite", _faces(corpus, ~scored & ~empty)),
        *found("faces", "error", "faces with scores outside [0, 1]", _faces(corpus, ~inside)),
        *([] if scored.any() else found("faces", "error", "no face has scores", ["nothing to train on"])),
        *_lost(corpus, scored, empty, reasons or {}),
        *_movement(corpus, scored),
    ]


def _lost(corpus: Corpus, scored: np.ndarray, empty: np.ndarray, reasons: Mapping[str, int]) -> list[Finding]:
    """Faces that were not found, and samples that are left without one."""
    without = np.setdiff1d(np.arange(len(corpus)), corpus.face_sample[scored])
    rated = [
        "warning" if count > LOST_SHARE * total else "note"
        for count, total in ((empty.sum(), len(empty)), (len(without), len(corpus)))
    ]
    why = [f"{reason}: {count}" for reason, count in reasons.items()]
    return [
        *found(
            "faces", rated[0], "faces without scores: not found, or never measured", _faces(corpus, empty)
        ),
        *found("faces", rated[0], "reasons for which faces have no scores", why),
        *found(
            "faces", rated[1], "samples without a face that has scores", corpus.sample_id[without].tolist()
        ),
    ]


def _faces(corpus: Corpus, rows: np.ndarray) -> list[str]:
    return [_face(corpus, face) for face in np.flatnonzero(rows).tolist()]


def _face(corpus: Corpus, face: int) -> str:
    return f"sample {corpus.sample_id[corpus.face_sample[face]]}, face {corpus.face_number[face]}"


def _movement(corpus: Corpus, scored: np.ndarray) -> list[Finding]:
    """Shapes that never move, and faces that are all alike."""
    rows = np.flatnonzero(scored)
    if len(rows) < 2:
        return []
    scores = corpus.blendshapes[rows]
    spread = scores.std(axis=0)
    if (spread < STILL).all():
        return found("movement", "error", "faces that are all equal", _faces(corpus, scored))
    still = [
        f"{name}: {scores[:, i].min():.4f} … {scores[:, i].max():.4f}"
        for i, name in enumerate(BLENDSHAPES)
        if spread[i] < STILL and i > 0  # the first, _neutral, is always about 0
    ]
    _, first, counts = np.unique(scores, axis=0, return_index=True, return_counts=True)
    alike = [
        f"{count} faces, the first of {_face(corpus, rows[place])}"
        for place, count in zip(first.tolist(), counts.tolist(), strict=True)
        if count > 1
    ]
    return [
        *found("movement", "warning", f"shapes that never move (standard deviation below {STILL:g})", still),
        *found("movement", "warning", "score vectors that several faces share", alike),
    ]


def picture_findings(corpus: Corpus) -> list[Finding]:
    """Pictures that are not there, and those that several samples share."""
    missing = np.array([ref is None for ref in corpus.image], dtype=bool)
    lost = [ref.location for ref in corpus.image if ref is not None and not _is_there(ref.location)]
    leaks, shared = _shared(corpus)
    _members.cache_clear()
    return [
        *found("pictures", "error", "pictures that are named and not there", lost),
        *found("pictures", "error", "pictures other than those that the table was made of", _others(corpus)),
        *found("pictures", "note", "faces without a picture", _faces(corpus, missing)),
        *found("leaks", "error", "pictures that stand in two parts of the split", leaks),
        *found("pictures", "warning", "pictures that several samples of one part share", shared),
    ]


def _shared(corpus: Corpus) -> tuple[list[str], list[str]]:
    owners: dict[str, set[int]] = {}
    for ref, sample in zip(corpus.image, corpus.face_sample.tolist(), strict=True):
        if ref is not None:
            owners.setdefault(ref.key, set()).add(sample)
    leaks, shared = [], []
    for key, samples in owners.items():
        if len(samples) > 1:
            parts = set(corpus.published_split[list(samples)].tolist()) - {""}
            ids = ", ".join(str(sample) for sample in sorted(corpus.sample_id[list(samples)].tolist())[:4])
            (leaks if len(parts) > 1 else shared).append(f"{key}: samples {ids}")
    return leaks, shared


def _others(corpus: Corpus) -> list[str]:
    """Pictures in shards, where another one lies than the table's key stands for."""
    stored = [ref for ref in corpus.image if ref is not None and ".parquet!" in ref.location]
    return [ref.location for ref in stored if _is_there(ref.location) and _key(ref) != ref.key]


def _key(ref: ImageRef) -> str | None:
    """None where there is no picture at the place."""
    try:
        return image_key(encoded_bytes(ref))
    except DataError:
        return None


def _is_there(location: str) -> bool:
    container, mark, inside = location.partition("!")
    if not mark:
        return Path(container).is_file()
    return inside.partition("!")[0] in _members(container)


@cache
def _members(container: str) -> frozenset[str] | range:
    """Names of an archive's members, or numbers of a shard's rows; empty where it is not there or damaged."""
    if not Path(container).is_file():
        return frozenset()
    if container.endswith(".zip"):
        try:
            with zipfile.ZipFile(container) as opened:
                return frozenset(opened.namelist())
        except (OSError, zipfile.BadZipFile):
            return frozenset()
    return frozenset(str(row) for row in range(_rows(container)))


def _rows(shard: str) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(shard).num_rows
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{shard} is damaged ({error}); build it again") from error
