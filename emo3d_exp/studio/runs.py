"""Which runs there are, and one that is there in any case."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder

if TYPE_CHECKING:
    from emo3d_exp.app.predictor import Predictor

log = logging.getLogger(__name__)

OUTPUTS = Path("outputs")


def finished_runs(outputs: Path = OUTPUTS) -> list[Path]:
    """Folders of runs that answer texts with faces, newest first; those of sweeps too."""
    weights = [*outputs.glob("*/weights.safetensors"), *outputs.glob("*/*/weights.safetensors")]
    weights = [file for file in weights if _usable(file.parent)]
    return [file.parent for file in sorted(weights, key=lambda file: -file.stat().st_mtime)]


def _usable(folder: Path) -> bool:
    return (folder / "config.yaml").is_file() and (folder / "model.json").is_file() and _gives_faces(folder)


def _gives_faces(folder: Path) -> bool:
    try:
        return json.loads((folder / "model.json").read_text(encoding="utf-8"))["model"] != "face_clip"
    except (OSError, ValueError, KeyError, TypeError):
        return False


def chosen_run(
    run_dir: str | None, outputs: Path = OUTPUTS, besides: Path | None = None
) -> tuple[LoadedRun, str]:
    """The run to show and why: the given one, else the newest finished one that loads, else one trained now.

    Args:
        besides: a run that is shown anyway, so not chosen.

    Raises:
        Emo3DError: the given run does not load.
    """
    if run_dir is not None:
        RunFolder(run_dir).config()
        return load_run(Path(run_dir)), "the run that you asked for"
    taken = None if besides is None else besides.resolve()
    skipped = []
    for path in finished_runs(outputs):
        if path.resolve() == taken:
            continue
        try:
            return load_run(path), _found(outputs, skipped)
        except Exception as error:  # whatever is wrong with it: an older one may be sound
            log.warning("%s is skipped: %s", path, error)
            skipped.append(f"{path.name} ({error})")
    log.info("no run_dir=… was given and no finished run under %s/ can be shown: training one", outputs)
    why = "no run was given or found: this one was just trained with the defaults" + _skipped(skipped)
    return load_run(train_default(outputs)), why


def _found(outputs: Path, skipped: list[str]) -> str:
    which = "newest finished run that loads" if skipped else "newest finished run"
    return f"no run_dir=… was given: this is the {which} under {outputs}/{_skipped(skipped)}"


def _skipped(skipped: list[str]) -> str:
    return f"; skipped: {'; '.join(skipped)}" if skipped else ""


def train_default(outputs: Path = OUTPUTS) -> Path:
    """Train what ``python train.py tracking=none`` trains; a minute or two on two cores.

    Call it in a running Hydra application, whose config folder it uses.
    """
    from hydra import compose

    from emo3d_exp.app.checks import check_weights
    from emo3d_exp.app.train import train_in

    cfg = compose("train", overrides=["tracking=none"])
    check_weights(cfg)
    run = RunFolder(outputs / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_studio")
    run.create(cfg)
    train_in(run, cfg)
    return run.path


@dataclass(frozen=True)
class LoadedRun:
    """A run that answers.

    Attributes:
        path: its folder. model: what was trained. metrics: of its test split; empty where it has none.
    """

    path: Path
    model: str
    metrics: dict[str, float]
    predict: Predictor

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    def scores(self) -> str:
        """Test metrics in a few words."""
        known = {"emo3d": "Emo3D {:.3f}", "mse": "MSE {:.4f}", "emotion_accuracy": "emotion accuracy {:.0%}"}
        words = [form.format(self.metrics[key]) for key, form in known.items() if key in self.metrics]
        return "test: " + ", ".join(words) if words else "no test scores"


def load_run(path: Path) -> LoadedRun:
    """Raises Emo3DError where the folder holds no finished run that gives faces."""
    from emo3d_exp.app.predictor import load_predictor

    if not path.is_dir():
        raise ConfigError(f"{path} is no folder; give a run folder that train.py wrote")
    predict = load_predictor(path)
    return LoadedRun(path, str(predict.run_config.model.name), _metrics(path), predict)


def _metrics(path: Path) -> dict[str, float]:
    """None of a run without an evaluation, nor of one whose file is damaged, which is reported."""
    file = RunFolder(path).evaluation("test") / "metrics.json"
    if not file.is_file():
        return {}
    try:
        values = json.loads(file.read_text(encoding="utf-8")).get("metrics", {}).items()
    except (OSError, ValueError, AttributeError) as error:
        log.warning("%s is damaged, so no scores are shown: %s", file, error)
        return {}
    return {name: float(value) for name, value in values if isinstance(value, int | float)}
