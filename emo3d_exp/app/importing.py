"""Weights that other code has trained, as a run folder: from there on they are a run like any other."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydra import compose
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.checks import check_judge
from emo3d_exp.errors import ConfigError, WeightsUnavailableError
from emo3d_exp.runs import RunFolder

if TYPE_CHECKING:
    from emo3d_exp.checkpoints import TensorFile

log = logging.getLogger(__name__)

GIVEN = ("backbone", "data", "split", "rig", "renderer", "metric", "tracking", "threads")
"""What the run takes from the command line; the rest is the experiment that the checkpoint came from."""
DECISIVE = ("architecture", "pretrained", "normalize")
"""Keys of a backbone without which its embeddings are others."""


@dataclass(frozen=True)
class CheckpointImport:
    """A file that is to become a run. Make one with :func:`planned_import`.

    Attributes:
        checkpoint: what the file should hold. path: of the file. digest: its SHA-256.
        run: the folder, which no run has used. config: of the run.
    """

    checkpoint: TensorFile
    path: Path
    digest: str
    run: RunFolder
    config: DictConfig

    def write(self) -> RunFolder:
        """Read the file into the model of its experiment, and write it as a finished run. Imports torch.

        Raises:
            Emo3DError: the file is not the checkpoint, or reads other embeddings, or there are no data; then
                nothing is written.
        """
        from emo3d_exp.app.assemble import build_encoder, build_model
        from emo3d_exp.app.data import load_data
        from emo3d_exp.app.fitting import save_fitted

        encoder, wanted = build_encoder(self.config.backbone), self.checkpoint.embedding_dim
        if encoder.dim != wanted:
            raise ConfigError(
                f"{self.checkpoint.file} reads embeddings of {wanted} numbers, and backbone {encoder.name} "
                f"gives {encoder.dim}: leave backbone=… out"
            )
        model = build_model(self.config, wanted)
        self.checkpoint.load(self.path, model)
        data = load_data(self.config)
        published = self.digest == self.checkpoint.sha256
        facts = {"file": self.path.name, "sha256": self.digest, "published": published}
        save_fitted(self.run, self.config, model, encoder, {})
        self.run.create(self.config, **data.facts(), backbone=encoder.fingerprint, imported=facts)
        self._warn(data.corpus.name)
        log.info(
            "%s is a run now, in %s: predict, export and the studio take it too",
            self.path.name,
            self.run.path,
        )
        return self.run

    def _warn(self, data: str) -> None:
        """Say in what the figures to come are not those of the published system."""
        file = self.checkpoint.file
        if self.digest != self.checkpoint.sha256:
            log.warning("%s is not the published %s: its SHA-256 is %s", self.path, file, self.digest)
        given, trained = self.config.backbone, experiment_of(self.checkpoint).backbone
        if other := [f"{key}={given.get(key)}" for key in DECISIVE if given.get(key) != trained[key]]:
            log.warning(
                "backbone %s with %s: sound only if its weights are those of %s (%s, normalize=%s), on which "
                "%s was trained", given.name, ", ".join(other), trained.name, trained.pretrained,
                trained.normalize, file,
            )  # fmt: skip
        if data != "emo3d":
            log.warning(
                "data=%s: the figures are not the paper's, whose test set is that of data=emo3d", data
            )


def planned_import(cfg: DictConfig) -> CheckpointImport:
    """What ``cfg.checkpoint``, ``path`` and ``out`` ask for, checked as far as that goes without torch.

    The backbone is needed because a run names the weights whose embeddings it reads.

    Raises:
        Emo3DError: there is no such file, a run lies in the folder, or the weights of backbone or judge are
            out of reach.
    """
    checkpoint = instantiate(cfg.checkpoint, _convert_="all")
    if cfg.path is None:
        raise ConfigError(f"which file is the checkpoint? path=…/{checkpoint.file}")
    path, run = Path(cfg.path).expanduser(), RunFolder(cfg.out or f"outputs/{checkpoint.name}")
    digest = checkpoint.hash(path)
    require_unused(run)
    own = run_config(cfg, checkpoint, run)
    check_backbone(own)
    check_judge(own)
    return CheckpointImport(checkpoint, path, digest, run, own)


def require_unused(run: RunFolder) -> None:
    """Raise ConfigError where the folder holds a run, which may be this checkpoint from last time."""
    if run.config_file.exists():
        raise ConfigError(
            f"{run.path} already holds a run. Score it again with run_dir={run.path}, or choose another out=…"
        )


def run_config(cfg: DictConfig, checkpoint: TensorFile, run: RunFolder) -> DictConfig:
    """The config of the experiment that the checkpoint came from, with what the command line gives."""
    own = experiment_of(checkpoint)
    OmegaConf.set_struct(own, False)
    own.update({key: cfg[key] for key in GIVEN})
    own.name, own.run_dir = checkpoint.name, str(run.path)
    OmegaConf.set_struct(own, True)
    return own


def experiment_of(checkpoint: TensorFile) -> DictConfig:
    """The config of the training that the checkpoint came from.

    Call it in a running Hydra application, whose config folder it uses.
    """
    return compose("train", [f"experiment={checkpoint.experiment}"])


def check_backbone(cfg: DictConfig) -> None:
    """As ``check_weights``; another backbone, which the message offers elsewhere, is of no use here."""
    from emo3d_exp.backbones.weights import CLIP_OFFLINE

    try:
        instantiate(cfg.backbone).check()
    except WeightsUnavailableError as error:
        message = str(error).replace(f", or {CLIP_OFFLINE}", " as backbone.pretrained=FOLDER")
        raise WeightsUnavailableError(
            f"{message.removesuffix('.')}. The checkpoint reads no other embeddings."
        ) from error
