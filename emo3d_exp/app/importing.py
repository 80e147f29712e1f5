"""Weights that other code has trained, as a run folder: from there on they are a run like any other."""

from __future__ import annotations

import logging
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


def import_checkpoint(cfg: DictConfig) -> tuple[RunFolder, DictConfig]:
    """Write the file ``cfg.path`` of ``cfg.checkpoint`` as a finished run, and return it with its config.

    What can fail comes first, so that nothing is left behind: weights of backbone and judge, the file, the
    data. The backbone is needed because a run names the weights whose embeddings it reads.

    Raises:
        Emo3DError: there is no such file, it is not the checkpoint, a run lies in the folder, or the weights
            of backbone or judge are out of reach.
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
    _write(run, own, checkpoint, path, digest)
    log.info("%s is a run now, in %s: predict, export and the studio take it too", path.name, run.path)
    return run, own


def _write(run: RunFolder, cfg: DictConfig, checkpoint: TensorFile, path: Path, digest: str) -> None:
    """Read the file into the experiment's model, and write the run folder. Imports torch."""
    from emo3d_exp.app.assemble import build_encoder, build_model
    from emo3d_exp.app.data import load_data
    from emo3d_exp.app.fitting import save_fitted

    encoder = build_encoder(cfg.backbone)
    if encoder.dim != checkpoint.embedding_dim:
        raise ConfigError(
            f"{checkpoint.file} reads embeddings of {checkpoint.embedding_dim} numbers, and backbone "
            f"{encoder.name} gives {encoder.dim}: leave backbone=… out"
        )
    model = build_model(cfg, checkpoint.embedding_dim)
    checkpoint.load(path, model)
    data = load_data(cfg)
    run.create(cfg)
    facts = {"file": path.name, "sha256": digest, "published": digest == checkpoint.sha256}
    run.add_provenance(**data.facts(), backbone=encoder.fingerprint, imported=facts)
    save_fitted(run, cfg, model, encoder, {})
    warn_of(checkpoint, cfg, path, digest, data.corpus.name)


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


def warn_of(checkpoint: TensorFile, cfg: DictConfig, path: Path, digest: str, data: str) -> None:
    """Say in what the figures to come are not those of the published system."""
    if digest != checkpoint.sha256:
        log.warning("%s is not the published %s: its SHA-256 is %s", path, checkpoint.file, digest)
    given, trained = cfg.backbone, experiment_of(checkpoint).backbone
    if other := [f"{key}={given.get(key)}" for key in DECISIVE if given.get(key) != trained[key]]:
        log.warning(
            "backbone %s with %s: sound only if its weights are those of %s (%s, normalize=%s), on which %s "
            "was trained", given.name, ", ".join(other), trained.name, trained.pretrained,
            trained.normalize, checkpoint.file,
        )  # fmt: skip
    if data != "emo3d":
        log.warning("data=%s: the figures are not the paper's, whose test set is that of data=emo3d", data)


def check_backbone(cfg: DictConfig) -> None:
    """As ``check_weights``; another backbone, which the message offers elsewhere, is of no use here."""
    from emo3d_exp.backbones.weights import CLIP_OFFLINE

    try:
        instantiate(cfg.backbone).check()
    except WeightsUnavailableError as error:
        message = str(error).replace(f", or {CLIP_OFFLINE}", " as backbone.pretrained=FOLDER")
        raise WeightsUnavailableError(f"{message} The checkpoint reads no other embeddings.") from error
