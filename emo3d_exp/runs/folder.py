"""Layout of a run folder, and the two functions that write and read its config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.runs.files import write_atomically, write_json
from emo3d_exp.runs.provenance import provenance
from emo3d_exp.vocab import VOCABULARY_HASH

PATHS = (("data", "root"), ("data", "folder"), ("rig", "path"))
"""Settings that name files of the user's."""
MAYBE_PATHS = (("backbone", "model"), ("backbone", "pretrained"), ("metric", "judge", "model"),
               ("metric", "judge", "pretrained"))  # fmt: skip
"""Settings that name files of the user's, or something on a hub: files where there are such."""


def settings(cfg: DictConfig) -> dict[str, Any]:
    """A config as plain values, with the paths of the user's files absolute: they count from any folder."""
    values = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(values, dict)
    for *groups, key in (*PATHS, *MAYBE_PATHS):
        node = values
        for group in groups:
            node = (node or {}).get(group)
        if not node or node.get(key) is None:
            continue
        path = Path(str(node[key])).expanduser()
        if (*groups, key) in PATHS or path.exists():
            node[key] = str(path.resolve())
    return values


class RunFolder:
    """A folder that holds one training run; it may be moved, copied or unpacked from an archive.

    ``config.yaml`` (resolved), ``provenance.json``, ``checkpoints/`` (Lightning's), ``weights.safetensors``
    with ``model.json``, ``train.log``, ``evaluation/<split>/`` (predictions, metrics, tables, pictures), and
    of a job of a sweep ``job.json``.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.yaml"
        self.provenance_file = self.path / "provenance.json"
        self.weights_file = self.path / "weights.safetensors"
        self.model_file = self.path / "model.json"
        self.checkpoints = self.path / "checkpoints"
        self.tracking_file = self.path / "tracking.json"
        self.pruned_file = self.path / "pruned.json"
        self.job_file = self.path / "job.json"

    def evaluation(self, split: str) -> Path:
        """Folder of the evaluation on one split."""
        return self.path / "evaluation" / split

    @property
    def last_checkpoint(self) -> Path:
        return self.checkpoints / "last.ckpt"

    def require_unused(self) -> None:
        """Raise ConfigError where the folder already holds a run."""
        if self.config_file.exists():
            raise ConfigError(
                f"{self.path} already holds a run ({self.config_file.name} is there). Choose another "
                "run_dir=…, or continue that run with resume=true."
            )

    def create(self, cfg: DictConfig, **facts: Any) -> None:
        """Write the provenance, with ``facts``, and the resolved config into a folder that no run has used.

        Paths in the config become absolute, so that later tools find the files from any folder. The config
        comes last: it is what makes the folder a run.

        Raises:
            ConfigError: the folder already holds a run, or cannot be written to.
        """
        self.require_unused()
        values = settings(cfg)
        values["run_dir"] = str(self.path)
        try:
            write_json(self.provenance_file, {**provenance(), **facts})
            with write_atomically(self.config_file) as partial:
                partial.write_text(OmegaConf.to_yaml(OmegaConf.create(values)), encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"cannot write to the run folder {self.path}: {error}. Choose another run_dir=…"
            ) from error

    def config(self) -> DictConfig:
        """The run's config, with ``run_dir`` replaced by where the folder lies now.

        Raises:
            ConfigError: there is no run in this folder.
            Emo3DError: the run was made with another blendshape vocabulary.
        """
        if not self.config_file.is_file():
            raise ConfigError(f"{self.path} is no run folder: it has no {self.config_file.name}")
        cfg = OmegaConf.load(self.config_file)
        assert isinstance(cfg, DictConfig)
        cfg.run_dir = str(self.path)
        OmegaConf.set_struct(cfg, True)
        self._check_vocabulary()
        return cfg

    def _check_vocabulary(self) -> None:
        stored = self.provenance().get("vocabulary")
        if stored is not None and stored != VOCABULARY_HASH:
            raise Emo3DError(
                f"{self.path} was made with blendshape vocabulary {stored}, this version has "
                f"{VOCABULARY_HASH}: its 52 numbers would be assigned to the wrong names"
            )

    def provenance(self) -> dict[str, Any]:
        """Content of ``provenance.json``; empty where a run has none."""
        if not self.provenance_file.is_file():
            return {}
        return json.loads(self.provenance_file.read_text(encoding="utf-8"))

    def add_provenance(self, **facts: Any) -> None:
        """Add facts that are known only later, such as the hashes of data and split."""
        write_json(self.provenance_file, {**self.provenance(), **facts})

    def require_weights(self) -> None:
        """Raise Emo3DError where the training has not ended."""
        if self.weights_file.is_file() and self.model_file.is_file():
            return
        cure = (
            f"continue it with: python train.py run_dir={self.path} resume=true"
            if self.last_checkpoint.is_file()
            else "train again"
        )
        raise Emo3DError(f"the run in {self.path} has not finished (no {self.weights_file.name}); {cure}")
