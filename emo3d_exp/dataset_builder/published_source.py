"""The published data set as our table: fetched, checked, unpacked where wanted."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from emo3d_exp.data.archives import ImageFinder, safe_name
from emo3d_exp.data.emo3d import find_images, read_published
from emo3d_exp.data.hub import REPOSITORY, fetch, snapshot_revision, wanted_files
from emo3d_exp.data.hub_checksums import check_downloads
from emo3d_exp.data.table import Row
from emo3d_exp.data.table_schema import ASSEMBLED, table_schema
from emo3d_exp.data.unpacking import UnpackLimits
from emo3d_exp.dataset_builder.published_counts import CHECK, TELL, count_table, refuse_unexpected
from emo3d_exp.dataset_builder.store import RowStore
from emo3d_exp.dataset_builder.unpacked_archives import PICTURES, UNPACKED, unpacked
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.records import ImageRef
from emo3d_exp.vocab import EMOTIONS

log = logging.getLogger(__name__)


class PublishedSource:
    """Makes our table of the published data set.

    Args:
        root: folder with its files; None fetches them from the hub, each once, going on where a download
            stopped, and checks them against the hub's checksums.
        parts: image archives to fetch, ``"all"`` or stems; not used with ``root``.
        hub_id: data set on the hub.
        unpack: unpack the archives into the folder; otherwise pictures are read from them where they lie.
        on_bad_rows: ``"refuse"`` the table, or ``"skip"`` its bad rows.
        complete: refuse a data set that names a picture which is not there.
        max_gigabytes: of one archive, unpacked.
        counts: ``"check"`` them against what is known of the published data set, and refuse another; or
            ``"tell"`` them in the manifest alone, for tables of one's own in that layout.
    """

    name = "emo3d"

    def __init__(
        self,
        root: str | None = None,
        parts: Sequence[str] | str = "all",
        hub_id: str = REPOSITORY,
        unpack: bool = False,
        on_bad_rows: str = "refuse",
        complete: bool = False,
        max_gigabytes: float = 64.0,
        counts: str = CHECK,
    ) -> None:
        if counts not in (CHECK, TELL):
            raise ConfigError(f"emo3d.counts={counts}: choose {CHECK} or {TELL}")
        if max_gigabytes <= 0:
            raise ConfigError(f"emo3d.max_gigabytes={max_gigabytes} must be positive")
        self.root = root
        self.parts = parts if isinstance(parts, str) else list(parts)
        self.hub_id = hub_id
        self.unpack = unpack
        self.on_bad_rows = on_bad_rows
        self.complete = complete
        self.counts = counts
        self.limits = UnpackLimits(total_bytes=int(max_gigabytes * 2**30))

    def build(self, folder: Path | str) -> dict[str, Any]:
        """Write the table into a folder; what is unpacked already stays.

        Returns:
            The table's manifest, with all counts.

        Raises:
            ConfigError: the folder holds a table that stages made.
            DataError: the files are not there, damaged, unsafe, or their rows bad, or the counts are not
                those of the published data set.
        """
        folder = Path(folder).expanduser().resolve()
        store = RowStore(folder, ASSEMBLED)
        self._refuse_others(store)
        root = fetch(self.parts, self.hub_id) if self.root is None else Path(self.root).expanduser().resolve()
        checked = {} if self.root else self._checked(root)
        rows = read_published(root, self.on_bad_rows, self.name)
        in_table = count_table(rows)
        if self.counts == CHECK:
            refuse_unexpected(in_table, str(root))
        finder = ImageFinder((root / "data", root))
        images = find_images(rows, finder)
        counts = in_table | _found(rows, images, finder)
        self._check(counts)
        # From here on: what was refused before leaves the folder to another root.
        self._claim(store)
        moved = unpacked(finder.archives, store, self.limits) if self.unpack else {}
        table = list(_table_rows(rows, images, finder, folder, moved))
        store.clear()
        store.append(0, table, table_schema(exact=True))
        manifest = self._manifest() | {"counts": counts, "counts_are": self._counts_are()}
        manifest |= {UNPACKED: (store.manifest() or {})[UNPACKED]} if moved else {}
        manifest |= {"revision": snapshot_revision(root), "checksums": {}, **checked, "rows": len(table)}
        manifest |= {"shards": 1, "complete": True, "content_hash": store.content_hash()}
        store.write_manifest(manifest)
        log.info("%s: %s", folder, json.dumps(counts))
        return manifest

    def _counts_are(self) -> str:
        return "as expected" if self.counts == CHECK else "told, not checked"

    def _manifest(self) -> dict[str, Any]:
        parameters = {"root": self.root, "parts": self.parts, "hub_id": self.hub_id, "unpack": self.unpack}
        told = json.dumps([self.name, parameters], sort_keys=True)
        identity = hashlib.sha256(told.encode()).hexdigest()[:16]
        return {"stage": ASSEMBLED, "identity": identity, "parameters": parameters, "inputs": {}}

    def _refuse_others(self, store: RowStore) -> None:
        """A claim without anything in it, of a run that failed, is no other table."""
        before, now = store.manifest(), self._manifest()
        if before is None or before["identity"] == now["identity"]:
            return
        if "begun" in before or before.get("complete") or store.shards() or (store.build / PICTURES).exists():
            raise ConfigError(f"{store.folder} holds another table; choose another folder with out=…")

    def _claim(self, store: RowStore) -> None:
        before = (store.manifest() or {}).get(UNPACKED, {})
        store.folder.mkdir(parents=True, exist_ok=True)
        store.clean()
        store.write_manifest(self._manifest() | {"complete": False, UNPACKED: before})

    def _checked(self, root: Path) -> dict[str, Any]:
        """Checksums of the fetched files, and the names of those that could not be checked."""
        files = [root / file for file in wanted_files(self.parts)]
        checksums = check_downloads(files)
        unchecked = [file.name for file in files if file.name not in checksums]
        if unchecked:
            log.warning(
                "%d of %d fetched files could not be checked against the hub's checksums (the cache keeps "
                "them under no checksum): %s", len(unchecked), len(files), ", ".join(unchecked),
            )  # fmt: skip
        return {"checksums": checksums, "unchecked": unchecked}

    def _check(self, counts: dict[str, Any]) -> None:
        lacking = counts["pictures_named"] - counts["pictures_found"]
        if self.complete and lacking:
            raise DataError(
                f"{lacking} of {counts['pictures_named']} pictures that the table names are not there (by "
                f"archive: {counts['pictures_missing']}); fetch the archives, or set emo3d.complete=false"
            )


def _found(rows: Sequence[Row], images: Sequence[ImageRef | None], finder: ImageFinder) -> dict[str, Any]:
    """What the archives hold of what the tables name."""
    faces = [face for row in rows for face in row.faces]
    missing = Counter(
        PurePosixPath(name).parts[0]
        for (_, name, _), found in zip(faces, images, strict=True)
        if name is not None and found is None
    )
    used = Counter(
        ref.location.partition("!")[0] for ref in images if ref is not None and "!" in ref.location
    )
    return {
        "pictures_found": sum(image is not None for image in images),
        "pictures_missing": dict(sorted(missing.items())),
        "archives": {
            archive.name: {"pictures": finder.count(archive), "named": used[str(archive)]}
            for archive in finder.archives
        },
    }


def _table_rows(
    rows: Sequence[Row],
    images: Sequence[ImageRef | None],
    finder: ImageFinder,
    folder: Path,
    moved: dict[str, Path],
) -> list[dict[str, Any]]:
    refs, stems = iter(images), {archive.stem for archive in finder.archives}
    return [
        {
            "sample_id": row.sample_id,
            "split": row.split or None,
            "prompt_type": row.prompt_type,
            "texts": _placed(row.texts),
            **dict(zip(EMOTIONS, row.emotions, strict=True)),  # type: ignore[arg-type]
            "faces": [_face(face, next(refs), stems, folder, moved) for face in row.faces],
            "set_aside": None,
        }
        for row in rows
    ]


def _placed(texts: Sequence[tuple[int, str]]) -> list[str | None]:
    placed: list[str | None] = [None] * max(number for number, _ in texts)
    for number, text in texts:
        placed[number - 1] = text
    return placed


def _face(
    face: tuple[int, str | None, Any],
    ref: ImageRef | None,
    stems: set[str],
    folder: Path,
    moved: dict[str, Path],
) -> dict[str, Any]:
    number, name, scores = face
    reason = "no scores" if scores is None else None
    if ref is None:
        reason = "no picture is named"
        if name is not None:
            archive = PurePosixPath(name).parts[0]
            reason = f"the archive {archive} {'lacks the picture' if archive in stems else 'is not there'}"
    return {
        "face_number": number,
        "image_location": None if ref is None else _location(ref, folder, moved),
        "image_key": None if ref is None else ref.key,
        "image_name": name,
        "blendshapes": None if scores is None else scores.tolist(),
        "reason": reason,
    }


def _location(ref: ImageRef, folder: Path, moved: dict[str, Path]) -> str:
    """Relative to the folder that is built where it lies below, so that it can be moved as a whole."""
    container, mark, member = ref.location.partition("!")
    if mark and container in moved:
        container, mark, member = str(moved[container] / safe_name(member)), "", ""
    place = Path(container)
    inside = place.relative_to(folder).as_posix() if place.is_relative_to(folder) else str(place)
    return f"{inside}{mark}{member}"
