"""Builds data=mini into the cache on first use."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo3d_exp.data.mini import TABLE
from emo3d_exp.dataset_builder.sources import source_hash
from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.runs import available_cores, cache_root, write_json

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from emo3d_exp.dataset_builder.pipeline import Executor
    from emo3d_exp.dataset_builder.stage import Stage

log = logging.getLogger(__name__)

STAGES = ("texts", "emotions", "blendshapes", "images", "assemble")
MANIFEST = "manifest.json"
BUILD = "build.json"
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class MiniSettings:
    """What decides the content of a built folder.

    Attributes:
        rows: samples, None for all; a smaller set is the beginning of a larger one.
        seed: of composed texts, emotions, faces, looks and split.
        image_size: pixels, square. jpeg_quality: 1 … 100. rig: name of the head that is drawn.
    """

    rows: int | None = None
    seed: int = 0
    image_size: int = 128
    jpeg_quality: int = 95
    rig: str = "builtin"

    def __post_init__(self) -> None:
        if self.rows is not None and self.rows < 1:
            raise ConfigError(f"data.rows={self.rows} must be at least 1, or null for all")
        if self.seed < 0:
            raise ConfigError(f"data.seed={self.seed} must not be negative")
        if self.image_size < 8:
            raise ConfigError(f"data.image_size={self.image_size} must be at least 8")
        if not 1 <= self.jpeg_quality <= 100:
            raise ConfigError(f"data.jpeg_quality={self.jpeg_quality} must lie in 1 … 100")

    @property
    def version(self) -> str:
        """Changes with a setting, a text, the rig, or code that the content depends on."""
        facts = json.dumps([asdict(self), _code_version()], sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()[:12]


def mini_folder(settings: MiniSettings) -> Path:
    """Where the data set with these settings lies in the cache, built or not."""
    return cache_root() / "mini" / settings.version


def is_built(folder: Path | str) -> bool:
    """The folder holds a complete data set."""
    return (Path(folder) / MANIFEST).is_file() and (Path(folder) / TABLE).is_file()


def ensure_mini(
    rows: int | None = None,
    seed: int = 0,
    image_size: int = 128,
    jpeg_quality: int = 95,
    rig: str = "builtin",
    processes: int | None = None,
    folder: Path | str | None = None,
    stage: str | Sequence[str] | None = None,
    progress: bool = True,
    executor: Executor | None = None,
) -> Path:
    """The folder of the built data set, for ``load_mini``; builds it where it is not there yet.

    A killed build goes on where it stopped, and of two processes one builds while the other waits.

    Args:
        rows, seed, image_size, jpeg_quality, rig: see :class:`MiniSettings`.
        processes: for drawing; None for 2, or 1 on a single core. Does not change the result.
        folder: place of the build; None for the cache.
        stage: one or several of :data:`STAGES` to run alone; the folder may then stay incomplete.
        progress: show it on the terminal.
        executor: that the stages run by; None for processes of this machine.

    Raises:
        ConfigError: a setting that cannot be, an unknown stage, or a folder made with other settings.
        DataError: the folder cannot be written.
    """
    settings = MiniSettings(rows, seed, image_size, jpeg_quality, rig)
    target = mini_folder(settings) if folder is None else Path(folder).expanduser().resolve()
    if folder is None and stage is None and is_built(target):
        return target
    only = [stage] if isinstance(stage, str) else None if stage is None else list(stage)
    stages = mini_stages(settings, _default_processes() if processes is None else processes)

    return _build(settings, target, partial(_run, target, stages, only, executor, progress), only is None)


def _run(*given: Any) -> None:
    from emo3d_exp.dataset_builder.pipeline import run_stages

    run_stages(*given)


def _default_processes() -> int:
    return min(2, available_cores())


@contextmanager
def _place(target: Path) -> Iterator[None]:
    """Tell the user that the folder cannot be used, and how to choose another."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"data=mini cannot be built in {target}: {error}; set EMO3D_CACHE to a folder that can be "
            "written, or data.folder=…"
        ) from error


def _build(settings: MiniSettings, target: Path, run: Callable[[], None], whole: bool) -> Path:
    with _place(target):
        lock = _locked(target)
    try:
        if whole and is_built(target) and _version_of(target) == settings.version:
            return target
        with _place(target):
            _claim(settings, target)
        log.info("building data=mini in %s", target)
        run()
        _finish(settings, target)
    finally:
        lock.release()
    return target


def _locked(target: Path) -> BaseFileLock:
    """The lock beside the folder, held; waits for who has it."""
    from filelock import FileLock, Timeout

    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f"{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that builds %s", target)
        lock.acquire()
    return lock


def _claim(settings: MiniSettings, target: Path) -> None:
    """Note what the folder is built with; rows that other code or settings made must not stay in it."""
    note = target / BUILD
    if note.is_file() and json.loads(note.read_text(encoding="utf-8")) != settings.version:
        raise ConfigError(
            f"{target} was begun with other settings or another version of the code; delete it, or choose "
            "another data.folder=…"
        )
    write_json(note, settings.version)


def mini_stages(settings: MiniSettings, processes: int) -> list[Stage]:
    """The stages in order."""
    from emo3d_exp.dataset_builder.mini_stages import Assemble, Blendshapes, Emotions, Images, Texts

    s = settings
    return [
        Texts(s.rows, s.seed),
        Emotions(s.seed),
        Blendshapes(s.seed),
        Images(s.seed, s.image_size, s.jpeg_quality, s.rig, processes),
        Assemble(s.seed),
    ]


def _finish(settings: MiniSettings, target: Path) -> None:
    """The final manifest, once every stage is complete."""
    from emo3d_exp.dataset_builder.store import RowStore

    manifests = {name: RowStore(target, name).manifest() for name in STAGES}
    if not all(manifest and manifest["complete"] for manifest in manifests.values()):
        return
    stages = {name: manifest["content_hash"] for name, manifest in manifests.items() if manifest}
    rows = manifests["assemble"]["rows"] if manifests["assemble"] else 0
    content = {
        "schema": 1,
        "version": settings.version,
        "settings": asdict(settings),
        "rows": rows,
        "stages": stages,
    }
    write_json(target / MANIFEST, content)


def _version_of(target: Path) -> str | None:
    return json.loads((target / MANIFEST).read_text(encoding="utf-8")).get("version")


@cache
def _code_version() -> str:
    return source_hash(_sources())


def _sources() -> list[Path]:
    """Files that decide the content: texts, stages, prior, looks, drawing, the built-in head."""
    builder, faces = _PACKAGE / "dataset_builder", _PACKAGE / "faces"
    return [
        builder / "mini_stages.py",
        builder / "stage.py",
        *(builder / "texts").rglob("*.py"),
        *(builder / "texts").rglob("*.tsv"),
        *faces.glob("*.py"),
        *(_PACKAGE / "assets").glob("builtin*"),
        _PACKAGE / "data" / "near_copies.py",
        _PACKAGE / "data" / "splits.py",
        *(_PACKAGE / "vocab").glob("*.py"),
    ]
