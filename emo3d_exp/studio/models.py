"""What all visitors share: runs, heads, the reader. Each is loaded once and used by one at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from emo3d_exp.errors import Emo3DError
from emo3d_exp.faces import Rig
from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.reading import Reader, reader_of
from emo3d_exp.studio.runs import OUTPUTS, LoadedRun, finished_runs, load_run
from emo3d_exp.studio.state import neutral_face

Key, Thing = TypeVar("Key", bound=Hashable), TypeVar("Thing")
log = logging.getLogger(__name__)

MOST_RUNS = 50


class LoadedOnce(Generic[Key, Thing]):
    """Things by their keys. Who asks for one that is being loaded waits for it, and nobody else does.

    Args:
        things: that are there from the start.
    """

    def __init__(self, things: Mapping[Key, Thing]) -> None:
        self._things, self._locks, self._lock = dict(things), dict[Key, threading.Lock](), threading.Lock()

    def get(self, key: Key, load: Callable[[], Thing]) -> Thing:
        """The thing, loaded at its first use; after an error the next one who asks tries again."""
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        with own:
            if key not in self._things:
                self._things[key] = load()
            return self._things[key]


class Models:
    """Runs and rigs by name, behind locks.

    Args:
        first, second: run folders of a fresh page; ``second`` may be None. why: how ``first`` was chosen.
        rig: a fresh page's head. outputs: folder whose runs can be chosen. loaded: runs that are there.
    """

    def __init__(
        self,
        first: Path,
        second: Path | None,
        why: str,
        rig: Rig,
        outputs: Path = OUTPUTS,
        loaded: Iterable[LoadedRun] = (),
    ) -> None:
        self.first, self.second, self.why, self.rig, self.outputs = first, second, why, rig.name, outputs
        self._runs = LoadedOnce({run.path.resolve(): run for run in loaded})
        self._heads = LoadedOnce({rig.name: Appearance(rig)})
        self._predicting = threading.Lock()
        self.reader: Reader | None = None
        self.no_reader = "FaceCLIP and the descriptions that it reads by are being loaded …"
        self.reader_known = threading.Event()
        for path in filter(None, (first, second)):
            self.run(path)
        threading.Thread(target=self._load_reader, name="reader", daemon=True).start()

    def run(self, path: Path) -> LoadedRun:
        """A run, loaded at its first use. Raises Emo3DError."""
        return self._runs.get(path.resolve(), lambda: load_run(path))

    def choices(self) -> list[Path]:
        """Folders that a visitor may choose from: the given ones, then finished runs, newest first."""
        given = [path for path in (self.first, self.second) if path is not None]
        known = {path.resolve() for path in given}
        found = [path for path in finished_runs(self.outputs) if path.resolve() not in known]
        return [*given, *found][:MOST_RUNS]

    def head(self, rig: str) -> Appearance:
        """A head by the name of its rig, loaded at its first use. Raises Emo3DError."""
        from emo3d_exp.faces import load_rig

        return self._heads.get(rig, lambda: Appearance(load_rig(rig)))

    def rigs(self) -> list[str]:
        """Names to choose a head from."""
        from emo3d_exp.faces.loading import RIGS

        return list(dict.fromkeys([self.rig, *(name for name in RIGS if name != "gltf")]))

    def predict(self, run: LoadedRun, text: str) -> np.ndarray:
        """``(52,)`` float32 in [0, 1]; the neutral face for the empty text."""
        if not text:
            return neutral_face()
        with self._predicting:
            return run.predict([text])[0]

    def _load_reader(self) -> None:
        """In the background: the data set may have to be built first."""
        try:
            self.reader = reader_of(self.run(self.first).predict.run_config)
            self.no_reader = "This run's metric has no judge, so nobody reads the face."
        except Emo3DError as error:
            self.no_reader = f"Nobody reads the face: {error}"
        except Exception:
            log.exception("the reader could not be loaded")
            self.no_reader = "Nobody reads the face: the reader could not be loaded (see the console)."
        finally:
            self.reader_known.set()
        if self.reader is None:
            log.warning("%s", self.no_reader)
