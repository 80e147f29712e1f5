"""ICT-FaceKit as rigs: its mean face, and as many others as one likes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.faces.ict import store
from emo3d_exp.faces.ict.convert import convert
from emo3d_exp.faces.ict.eyeballs import ball_center, gaze_deltas
from emo3d_exp.faces.ict.fetch import fetch, public_manifest
from emo3d_exp.faces.ict.meshes import parse_meshes
from emo3d_exp.faces.ict.source import read_meshes, source_hash
from emo3d_exp.faces.ict.topology import TOPOLOGY, Topology
from emo3d_exp.faces.rig import PARTS, Rig

log = logging.getLogger(__name__)

NAME = "ict_facekit"
_MASK = "mask_"


class ICTFaces:
    """The model once read: :meth:`rig` makes a person in milliseconds.

    Attributes:
        identities: ``(K, V, 3)`` float32 deltas of the identity shapes; 8 in the light archive, 100 in
            the whole repository.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.identities = arrays["identities"]
        self._arrays = {key: arrays[key] for key in ("neutral", "faces", "colors", "deltas", "part")}
        self._masks = {k.removeprefix(_MASK): v for k, v in arrays.items() if k.startswith(_MASK)}

    def rig(self, identity: Sequence[float] | None = None) -> Rig:
        """A person.

        Args:
            identity: up to K coefficients of the identity shapes, standard normal in the population that
                the toolkit was built from; None or all 0 for the mean face.

        Raises:
            ConfigError: no list of numbers, more of them than shapes, or one that is not finite.
        """
        amounts = _amounts(identity)
        if len(amounts) > len(self.identities):
            raise ConfigError(
                f"rig {NAME}: identity has {len(amounts)} coefficients; give at most "
                f"{len(self.identities)}, as many as this copy has identity shapes"
            )
        arrays = dict(self._arrays)
        if amounts.any():
            moved = np.tensordot(amounts, self.identities[: len(amounts)], 1)
            arrays["neutral"] = arrays["neutral"] + moved
            arrays["deltas"] = self._turned(arrays["neutral"])
        return Rig(NAME, masks=self._masks, **arrays)

    def random(self, rng: np.random.Generator, spread: float = 1.0) -> Rig:
        """A person drawn from the population; ``spread`` scales the deviation from the mean face."""
        return self.rig(spread * rng.standard_normal(len(self.identities)))

    def _turned(self, neutral: np.ndarray) -> np.ndarray:
        """Deltas whose eyeballs turn about their centres in this ``neutral``."""
        deltas = self._arrays["deltas"].copy()
        for side, sign in (("left", 1), ("right", -1)):
            rows = np.flatnonzero(self._arrays["part"] == PARTS.index(f"eye_{side}"))
            ball = neutral[rows].astype(np.float64)
            for index, delta in gaze_deltas(ball, ball_center(ball), sign).items():
                deltas[index, rows] = delta
        return deltas


def _amounts(identity: Sequence[float] | None) -> np.ndarray:
    """Coefficients (K,) float32, finite."""
    if identity is None:
        return np.zeros(0, np.float32)
    told = f"rig {NAME}: identity={identity}: give a list of finite numbers, such as [0.5,-1], or null"
    try:
        amounts = np.asarray(list(identity), np.float32)
    except (TypeError, ValueError) as error:
        raise ConfigError(told) from error
    if isinstance(identity, str) or amounts.ndim != 1 or not np.isfinite(amounts).all():
        raise ConfigError(told)
    return amounts


def load_ict_faces(path: str | Path | None = None, topology: Topology = TOPOLOGY) -> ICTFaces:
    """ICT-FaceKit from a checkout or archive; converted on the first call, read from the cache later.

    Args:
        path: checkout (its folder or FaceXModel), or a tar or zip archive of one; None fetches the public
            repository's files.
        topology: what the vertices of these files mean.

    Raises:
        DataError: no checkout, or a damaged one.
        WeightsUnavailableError: nothing given, nothing cached, and the repository is out of reach.
    """
    if path is None:
        manifest = public_manifest()
        cached = store.cached_file(manifest.hash, topology)
    else:
        given = Path(path).expanduser()
        cached = store.cached_file(source_hash(given), topology)
    arrays = store.load(cached)
    if arrays is None:
        arrays = _converted(fetch(manifest) if path is None else given, cached, topology)
    return ICTFaces(arrays)


def load_ict(path: str | Path | None = None, identity: Sequence[float] | None = None) -> Rig:
    """One person of ICT-FaceKit; see :func:`load_ict_faces` and :meth:`ICTFaces.rig` for the arguments."""
    return load_ict_faces(path).rig(identity)


def _converted(source: Path, cached: Path, topology: Topology) -> dict[str, np.ndarray]:
    meshes = parse_meshes(_with_progress(read_meshes(source)), str(source), topology)
    arrays = convert(meshes, topology)
    try:
        store.save(cached, arrays)
    except OSError as error:
        log.warning("%s cannot be written (%s): the next start converts again", cached, error)
    return arrays


def _with_progress(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The same files; a terminal shows them go by."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("Converting ICT-FaceKit"), BarColumn(), TextColumn("{task.completed} meshes"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        for item in files:
            yield item
            progress.advance(task)
