"""What the runs of one sweep have in common where they are tracked, and what tells them apart."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from hydra.types import RunMode
from omegaconf import OmegaConf

from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import write_json

LONGEST_TAG, LONGEST_NAME = 64, 128
"""Of W&B."""
GROUP_FILE = "group.json"
"""In a sweep's folder: the group of its runs, decided by the first of them and kept when it goes on."""
DATED = re.compile(r"\d{4}-\d\d-\d\d[_T]")


@dataclass(frozen=True)
class SweepJob:
    """One run of a sweep.

    Attributes:
        group: shared by the sweep's runs. overrides: ``key=value`` of what is swept.
    """

    group: str
    overrides: tuple[str, ...]

    @property
    def name(self) -> str:
        """``lambda_text=0.5 seed=2``; empty where nothing is swept."""
        return _cut(" ".join(_without_parents(self.overrides)), LONGEST_NAME)

    @property
    def tags(self) -> list[str]:
        """A tag for each override, without the key's beginning where it would be too long for W&B."""
        short = _without_parents(self.overrides)
        pairs = zip(self.overrides, short, strict=True)
        return [_cut(whole if len(whole) <= LONGEST_TAG else end, LONGEST_TAG) for whole, end in pairs]


def sweep_job() -> SweepJob | None:
    """This training as one of a ``wandb agent``, or of a Hydra multirun; None where it stands alone.

    Raises:
        ConfigError: it is both: an agent's run is one page.
    """
    multirun = HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN
    agent = os.environ.get("WANDB_SWEEP_ID")
    if agent and multirun:
        raise ConfigError("wandb agent starts one run at a time: leave -m and sweep=… out of its command")
    if agent:
        return SweepJob(f"sweep-{agent}", _only(_agents_keys()))
    return _multirun_job() if multirun else None


def _multirun_job() -> SweepJob:
    told = HydraConfig.get()
    folder = Path(told.runtime.cwd, told.sweep.dir)
    label = str(told.runtime.choices.get("sweep") or folder.name)
    return SweepJob(kept_group(folder, label), _only(swept_keys(folder)))


def kept_group(folder: Path, label: str) -> str:
    """The group of the sweep in ``folder``: ``label`` and the moment when its first run began to be tracked.

    Of several processes that begin at once the first decides.
    """
    file = folder / GROUP_FILE
    if not file.is_file():
        moment = "" if DATED.match(label) else f"-{datetime.now():%Y-%m-%d_%H-%M-%S}"
        _write_once(file, {"group": f"{label[: LONGEST_NAME - len(moment)]}{moment}"})
    return str(json.loads(file.read_text(encoding="utf-8"))["group"])


def _write_once(file: Path, content: dict[str, str]) -> None:
    """Write a file, whole, unless there is one: of several processes the first decides."""
    own = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    write_json(own / file.name, content)
    try:
        os.link(own / file.name, file)
    except FileExistsError:
        pass
    except OSError:  # no hard links there; a folder, too, does not take the place of one that is not empty
        first = file.with_name(f".{file.name}.first")
        with suppress(OSError):
            os.rename(own, first)
        write_json(file, json.loads((first / file.name).read_text(encoding="utf-8")))
    finally:
        shutil.rmtree(own, ignore_errors=True)


def swept_keys(folder: Path) -> list[str] | None:
    """Keys that have several values in this multirun, by its file and its command line; None: not known."""
    params = OmegaConf.select(HydraConfig.get(), "sweeper.params") or {}
    swept = [key for key, value in params.items() if _is_swept(f"{key}={value}")]
    written = folder / "multirun.yaml"
    if written.is_file():
        given = OmegaConf.select(OmegaConf.load(written), "hydra.overrides.task") or []
        swept += [_key(override) for override in given if _is_swept(str(override))]
    elif not swept:
        return None
    return swept


def _agents_keys() -> list[str]:
    """Keys of the parameters that the agent has chosen, in the file where it leaves them."""
    path = Path(os.environ.get("WANDB_SWEEP_PARAM_PATH", ""))
    if not path.is_file():
        return []
    return [str(key) for key in OmegaConf.load(path) if key != "wandb_version"]


def _only(keys: Sequence[str] | None) -> tuple[str, ...]:
    """This job's overrides of the keys; of all but ``sweep`` for None."""
    given = [str(each) for each in HydraConfig.get().overrides.task] if HydraConfig.initialized() else []
    return tuple(o for o in given if (_key(o) in keys if keys is not None else _key(o) != "sweep"))


def _is_swept(override: str) -> bool:
    """Whether Hydra's grammar reads several values; what it cannot read is a sweeper's own."""
    try:
        (parsed,) = OverridesParser.create().parse_overrides([override])
    except OverrideParseException:
        return True
    return parsed.is_sweep_override()


def _key(override: str) -> str:
    return override.lstrip("+~").split("=", 1)[0]


def _without_parents(overrides: Iterable[str]) -> list[str]:
    """``lambda_text=0.5`` of ``loss.lambda_text=0.5``, unless two would have the same key."""
    pairs = [tuple(override.lstrip("+").split("=", 1)) for override in overrides]
    ends = [key.rpartition(".")[2] for key, *_ in pairs]
    return [
        "=".join([end if ends.count(end) == 1 else key, *value])
        for (key, *value), end in zip(pairs, ends, strict=True)
    ]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
