"""What all visitors share: runs, heads, the reader. Each is loaded once and used by one at a time."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np

from emo3d_exp.errors import Emo3DError
from emo3d_exp.faces import Rig
from emo3d_exp.studio.appearance import Appearance
from emo3d_exp.studio.reading import Reader, reader_of
from emo3d_exp.studio.runs import OUTPUTS, LoadedRun, finished_runs, load_run
from emo3d_exp.studio.state import neutral_face

log = logging.getLogger(__name__)

MOST_RUNS = 50


class Models:
    """Runs and rigs by name, behind locks.

    Args:
        first, second: run folders of a fresh page; ``second`` may be None. why: how ``first`` was chosen.
        rig: a fresh page's head. outputs: folder whose runs can be chosen.
    """

    def __init__(self, first: Path, second: Path | None, why: str, rig: Rig, outputs: Path = OUTPUTS) -> None:
        self.first, self.second, self.why, self.rig, self.outputs = first, second, why, rig.name, outputs
        self._runs: dict[Path, LoadedRun] = {}
        self._heads: dict[str, Appearance] = {rig.name: Appearance(rig)}
        self._loading, self._predicting = threading.RLock(), threading.Lock()
        self.reader: Reader | None = None
        self.no_reader = "FaceCLIP and the descriptions that it reads by are being loaded …"
        self.reader_known = threading.Event()
        for path in filter(None, (first, second)):
            self.run(path)
        threading.Thread(target=self._load_reader, name="reader", daemon=True).start()

    def run(self, path: Path) -> LoadedRun:
        """A run, loaded at its first use. Raises Emo3DError."""
        key = path.resolve()
        with self._loading:
            if key not in self._runs:
                self._runs[key] = load_run(path)
            return self._runs[key]

    def choices(self) -> list[Path]:
        """Folders that a visitor may choose from: the given ones, then finished runs, newest first."""
        given = [path for path in (self.first, self.second) if path is not None]
        known = {path.resolve() for path in given}
        found = [path for path in finished_runs(self.outputs) if path.resolve() not in known]
        return [*given, *found][:MOST_RUNS]

    def head(self, rig: str) -> Appearance:
        """A head by the name of its rig, loaded at its first use. Raises Emo3DError."""
        from emo3d_exp.faces import load_rig

        with self._loading:
            if rig not in self._heads:
                self._heads[rig] = Appearance(load_rig(rig))
            return self._heads[rig]

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
