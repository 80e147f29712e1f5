"""What a stage's manifest says, and when its rows may be gone on with."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emo3d_exp.dataset_builder.parameter_changes import told_changes
from emo3d_exp.dataset_builder.stage import CALLS, COST, SET_ASIDE, Stage
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.errors import ConfigError, DataError

Manifest = dict[str, Any]
REASONS = "set_aside_reasons"
"""Key of a manifest: the most frequent reasons, and how often each was given."""
MOST_REASONS, TOLD_REASONS, LONGEST_REASON = 20, 3, 160


def plain_parameters(stage: Stage) -> dict[str, Any]:
    """A stage's parameters as a manifest gives them back: tuples are lists."""
    return json.loads(json.dumps(stage.parameters()))


def identity_of(stage: Stage, inputs: Mapping[str, str]) -> str:
    """16 hex digits of all that decides a stage's rows.

    Args:
        inputs: identity of every stage that it reads.
    """
    parts = [stage.name, stage.parameters(), dict(inputs)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def refuse_others(store: RowStore, stage: Stage, manifest: Manifest | None, identity: str) -> None:
    """Raise ConfigError where the folder's rows were made with other parameters or other inputs."""
    if manifest is None or manifest["identity"] == identity or not store.shards():
        return
    changes = told_changes(manifest["parameters"], plain_parameters(stage))
    told = f"other parameters ({changes})"
    if not changes:
        told = f"the same parameters, but from other rows of {', '.join(stage.reads)}"
    raise ConfigError(
        f"{store.folder} holds rows that were made with {told}. Choose another folder, or delete that one to "
        "make them again"
    )


def begin(store: RowStore, stage: Stage, identity: str) -> Manifest:
    """The stage's manifest; a new one where it was never begun. What a killed process left half goes.

    Raises:
        ConfigError: as :func:`refuse_others`.
    """
    store.clean()
    manifest = store.manifest()
    refuse_others(store, stage, manifest, identity)
    if manifest is None or manifest["identity"] != identity:  # the latter without any row
        manifest = {
            "stage": stage.name,
            "identity": identity,
            "begun": uuid.uuid4().hex,
            "parameters": stage.parameters(),
            # Of rows that depend on one row of each stage read, and on no other.
            "reads": list(stage.reads) if stage.shard_rows is not None else [],
            "inputs": {},
            "complete": False,
        }
        store.write_manifest(manifest)
    return manifest


def readable(build: Path, name: str, reader: str, partial: bool) -> Manifest:
    """The manifest of stage ``name`` for a stage that reads it.

    Args:
        partial: only a part of its rows is asked for, so that it may be incomplete.

    Raises:
        DataError: it is not complete, or, with ``partial``, has not ended once.
    """
    manifest = RowStore(build, name).manifest()
    if manifest is not None and (manifest["complete"] or (partial and "content_hash" in manifest)):
        return manifest
    state = "has not ended once" if partial else "is not complete"
    raise DataError(f"stage {reader} reads stage {name}, which {state} in {build}: run it first")


def has_all_shards(store: RowStore, manifest: Manifest) -> bool:
    """Whether the shards of a complete stage are those that its manifest notes: none was deleted since."""
    files = manifest.get("files")
    if files is None:  # of an older manifest
        return len(store.shards()) == manifest["shards"]
    return {shard.name for shard in store.shards()} == set(files)


def counted(store: RowStore) -> Manifest:
    """What a manifest says of the rows that are there; ``files``: rows and bytes of every shard."""
    files = store.shard_facts()
    counts: Manifest = {"rows": len(store.sample_ids()), "shards": len(files), "files": files}
    if reasons := store.values(SET_ASIDE):
        counts[SET_ASIDE] = reasons.total()
        counts[REASONS] = dict(reasons.most_common(MOST_REASONS))
    if calls := store.total(CALLS):
        counts |= {CALLS: int(calls), COST: store.total(COST)}
    return counts | {"content_hash": store.content_hash(), "places_hash": store.places_hash()}


def state_of(store: RowStore, manifest: Manifest) -> str:
    """What a stage that reads this one notes of it: it changes when rows do, and when they lie elsewhere
    (which ``content_hash``, by which builds are compared, does not)."""
    places = manifest.get("places_hash") or store.places_hash()  # an older manifest has none
    return f"{manifest.get('content_hash')}-{places}"


def why_set_aside(manifest: Manifest) -> str:
    """The most frequent reasons, each with its number."""
    reasons = list(manifest.get(REASONS, {}).items())
    told = [f"{count} × {reason[:LONGEST_REASON]}" for reason, count in reasons[:TOLD_REASONS]]
    others = manifest[SET_ASIDE] - sum(count for _, count in reasons[:TOLD_REASONS])
    return "; ".join([*told, *([f"{others} for other reasons"] if others else [])])


def in_words(manifest: Manifest) -> str:
    """Its counts."""
    told = f"{manifest['rows']} rows"
    if manifest.get(SET_ASIDE):
        told += f", {manifest[SET_ASIDE]} of them set aside ({why_set_aside(manifest)})"
    if manifest.get(CALLS):
        told += f", {manifest[CALLS]} calls for ${manifest[COST]:.2f}"
    return told
