"""data=table data.streaming=true: the table as mapped files in the cache, written in one pass."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emo3d_exp.backbones.hashes import file_sha256
from emo3d_exp.data.built_table import table_files
from emo3d_exp.data.mapped_columns import Columns
from emo3d_exp.data.mapped_corpus import MappedCorpus
from emo3d_exp.data.mapping import TablePass
from emo3d_exp.data.problems import settle
from emo3d_exp.errors import DataError
from emo3d_exp.runs import cache_root, write_json
from emo3d_exp.vocab import VOCABULARY_HASH

log = logging.getLogger(__name__)
VERSION = 1
FACTS = "facts.json"
SHOW_PROGRESS_FROM = 50_000


def open_table(path: Path | str, on_bad_rows: str = "refuse", name: str = "table") -> MappedCorpus:
    """As :func:`~emo3d_exp.data.built_table.load_table`, but the columns stay in files of the cache.

    They are written in one pass over the table, which holds no more than some thousand rows, and serve every
    later run until the table's content changes, or pictures of it come or go. Several processes may ask at
    once: one writes, the others wait.

    Raises:
        DataError: as :func:`load_table`; or the cache cannot hold the files.
    """
    settle([], on_bad_rows, 0)
    files, build = table_files(path)
    folder = cache_root() / "tables" / _key(files, build, on_bad_rows)
    facts = _known(folder)
    if facts is None:
        with _only_one(folder):
            facts = _known(folder)
            if facts is None:
                _write(folder, path, on_bad_rows, name)
                return _opened(folder, name, json.loads((folder / FACTS).read_text()), path)
    _tell_again(facts, folder)
    return _opened(folder, name, facts, path)


def _opened(folder: Path, name: str, facts: dict[str, Any], path: Path | str) -> MappedCorpus:
    if facts["aside"]:
        log.info(
            "%d of %d samples under %s were set aside when it was built", facts["aside"], facts["rows"], path
        )
    if facts["lost"]:
        log.warning(
            "%d of %d pictures are not there, such as %s; their faces stay without picture", *facts["lost"]
        )
    columns = Columns(folder)
    order, whole = columns.numbers("order"), MappedCorpus(name, columns, None, facts["fingerprint"])
    if not len(order):
        return whole
    return whole.reordered(order, facts["fingerprint"])


def _tell_again(facts: dict[str, Any], folder: Path) -> None:
    if facts["bad_rows"]:
        log.warning(
            "%d of %d rows of the table are skipped (on_bad_rows=skip); they were listed when it was read; "
            "delete %s to read it and list them again", facts["bad_rows"], facts["rows"], folder,
        )  # fmt: skip


def _key(files: list[Path], build: Path, on_bad_rows: str) -> str:
    content = [[file.name, file_sha256(file)] for file in files]
    given = [VERSION, VOCABULARY_HASH, on_bad_rows, str(build), content]
    return hashlib.sha256(json.dumps(given).encode()).hexdigest()[:24]


def _known(folder: Path) -> dict[str, Any] | None:
    """What is known about whole files that are still right; None where they are to be written."""
    try:
        facts = json.loads((folder / FACTS).read_text())
        whole = Columns(folder).sizes() == facts["sizes"]
    except FileNotFoundError:
        whole = not folder.is_dir()
        facts = None
    except (OSError, ValueError, KeyError):
        whole, facts = False, None
    if not whole:
        log.warning("the mapped table %s is damaged; reading the table again", folder)
        return None
    if facts and any(Path(place).is_file() is not there for place, there in facts["containers"].items()):
        log.info("pictures of the table have come or gone since it was read; reading it again")
        return None
    return facts


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_suffix(".lock"))
        try:
            lock.acquire(timeout=1)
        except Timeout:
            log.warning("waiting for another process that reads the table into %s", folder)
            lock.acquire()
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _write(folder: Path, path: Path | str, on_bad_rows: str, name: str) -> None:
    """Write a folder that appears whole or not at all. Call it inside ``_only_one``."""
    for leftover in folder.parent.glob(f".{folder.name}.*.partial"):
        shutil.rmtree(leftover, ignore_errors=True)  # of a process that was killed
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
    reading = TablePass(path, on_bad_rows, name)
    log.info("reading %s rows of %s into %s, once", f"{reading.total:,}", path, folder)
    try:
        partial.mkdir()
        with _progress(reading.total) as advance:
            facts = reading.write(partial, advance)
        write_json(partial / FACTS, facts)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    except OSError as error:
        raise _unwritable(folder, error, reading.bytes_expected()) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwritable(folder: Path, error: OSError, size: int = 0) -> DataError:
    need = f"; about {size / 2**20:,.0f} MiB are needed" if size else ""
    return DataError(
        f"the cache {folder.parent} cannot hold the mapped table ({error}){need}: make room there, or choose "
        "another folder with the environment variable EMO3D_CACHE"
    )


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    if total < SHOW_PROGRESS_FROM:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("rows of the table", total=total)
        yield lambda done: bar.advance(task, done)
