"""A retry of what a stage set aside, or of what rows lack: begun once, gone on with until it has ended."""

from __future__ import annotations

import logging

from emo3d_exp.dataset_builder.manifests import Manifest
from emo3d_exp.dataset_builder.stage import LACKING, SET_ASIDE
from emo3d_exp.dataset_builder.store import RowStore

log = logging.getLogger(__name__)

RETRIES, RETRYING = "retries", "retrying"
"""In a stage's manifest: how many retries were begun; and of one that has not ended, its ``step`` and whether
it asks ``anew``, rather than making rows again of what was answered."""
_FORGETTING, _MAKING = "forgetting", "making"


def retry_under_way(manifest: Manifest) -> int:
    """Number of the retry that has not ended and asks anew, from 1; 0 where there is none."""
    return manifest[RETRIES] if manifest.get(RETRYING, {}).get("anew") else 0


def forgets(manifest: Manifest | None, asked: bool) -> bool:
    """Whether a run forgets rows. What a retry that has not ended has made again stays."""
    under_way = (manifest or {}).get(RETRYING)
    return asked if under_way is None else under_way["step"] == _FORGETTING


def to_forget(store: RowStore) -> set[int]:
    """Samples that a retry makes again."""
    return store.noted(SET_ASIDE) | store.noted(LACKING)


def begin_retry(store: RowStore, manifest: Manifest, asked: bool, anew: bool) -> None:
    """Forget the rows that are to be made again, unless a retry that has not ended has done so.

    Each step is written down before it is done: a process that is killed goes on with it in the next run,
    with ``retry=true`` or without.

    Args:
        manifest: of the stage; is changed. asked: ``retry=true``. anew: with it, the stage is to ask anew.
    """
    samples = to_forget(store) if forgets(manifest, asked) else set()
    under_way = manifest.get(RETRYING)
    if under_way is None and asked and (samples or not manifest["complete"]):
        manifest[RETRIES] = manifest.get(RETRIES, 0) + 1
        under_way = {"step": _FORGETTING, "anew": False}
    if under_way is None:
        return
    under_way = under_way | {"anew": under_way["anew"] or (asked and anew)}
    _note(store, manifest, under_way)
    if under_way["step"] == _FORGETTING:
        log.info("%s: %d samples that failed are tried again", store.folder.name, len(samples))
        _forget_readers(store, store.noted(LACKING))
        store.blank(samples)
        _note(store, manifest, under_way | {"step": _MAKING})


def _note(store: RowStore, manifest: Manifest, under_way: Manifest) -> None:
    manifest |= {RETRYING: under_way, "complete": False}
    store.write_manifest(manifest)


def _forget_readers(store: RowStore, samples: set[int]) -> None:
    """Blank the rows that other stages have made of rows that will be others. (A stage that looks at all rows
    together notices by itself.)"""
    for file in sorted(store.build.glob("*/manifest.json")) if samples else ():
        reader = RowStore(store.build, file.parent.name)
        known = reader.manifest() or {}
        if store.folder.name in known.get("reads", known.get("inputs", ())):
            reader.write_manifest(known | {"complete": False})
            _forget_readers(reader, samples)
            reader.blank(samples)
