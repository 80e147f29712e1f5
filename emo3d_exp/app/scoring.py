"""From a run, or a predictions file, to scores in a folder."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from emo3d_exp.app.assemble import build_encoder, embedding_cache
from emo3d_exp.app.data import LoadedData, load_data
from emo3d_exp.app.kept import kept
from emo3d_exp.app.predictor import load_predictor
from emo3d_exp.app.tracked_names import group_name, is_tracked, system_tags
from emo3d_exp.errors import DataError
from emo3d_exp.evaluation import Evaluator, print_table, write_report
from emo3d_exp.evaluation.conditions import plain_conditions
from emo3d_exp.records import Predictions

if TYPE_CHECKING:
    from emo3d_exp.evaluation import Evaluation
    from emo3d_exp.faces import Renderer
    from emo3d_exp.runs import RunFolder
    from emo3d_exp.tracking import Tracker

log = logging.getLogger(__name__)


def build_evaluator(cfg: DictConfig) -> Evaluator:
    """The evaluator of the groups metric, rig and renderer; nothing is loaded that it does not need."""
    evaluator = instantiate(cfg.metric)
    if cfg.metric.judge is None:
        return evaluator(rig=None, renderer=None, cache=None)
    rig = kept("rig", [cfg.rig], lambda: instantiate(cfg.rig))
    renderer = kept("renderer", [cfg.renderer, cfg.rig], lambda: instantiate(cfg.renderer, rig=rig))
    judge = build_encoder(cfg.metric.judge)
    return evaluator(rig=rig, renderer=renderer, judge=judge, cache=embedding_cache())


def score_run(run: RunFolder, cfg: DictConfig, part: str) -> tuple[Evaluation, Evaluator]:
    """Predict and score a part of a run's data; the report goes to ``evaluation/<part>`` in its folder.

    Args:
        cfg: the run's config; its groups metric, rig and renderer may have been replaced.
    """
    data = load_data(cfg)
    check_same_data(run, data)
    prompts = data.prompts(part)
    predict = load_predictor(run.path, embedding_cache())
    predictions = Predictions(prompts.sample_id, prompts.text_number, predict(prompts.text))
    return score(cfg, predictions, data, part, run.evaluation(part), system=str(cfg.model.name))


def check_same_data(run: RunFolder, data: LoadedData) -> None:
    """Raise DataError where the data are no longer those that the run was trained on."""
    known = run.provenance()
    for key, value in data.facts().items():
        if known.get(key, value) != value:
            raise DataError(
                f"{run.path} was trained with {key} {known[key]}, but it is {value} now: its test samples "
                "may have been trained on. Give back the same data, or train again"
            )


def score(
    cfg: DictConfig, predictions: Predictions, data: LoadedData, part: str, folder: Path, system: str
) -> tuple[Evaluation, Evaluator]:
    """Score predictions on a part of the data, write the report into ``folder``, print the table."""
    evaluator = build_evaluator(cfg)
    bank = None
    if evaluator.judge is not None:
        bank = evaluator.select_bank(data.prompts(evaluator.bank.split))
    evaluation = evaluator.evaluate(
        predictions,
        data.prompts(part),
        bank,
        data.mean_face(),
        split=part,
        data_fingerprint=data.corpus.fingerprint(),
        split_fingerprint=data.splits.hash,
        system=system,
    )
    write_report(evaluation, folder, evaluator.renderer)
    print_table(evaluation)
    log.info("report: %s", folder)
    return evaluation, evaluator


def track(tracker: Tracker, evaluation: Evaluation, evaluator: Evaluator, part: str, folder: Path) -> None:
    """Show an evaluation on the run's page: final metrics and the conditions that they hold under, samples
    with both faces, one face in 3D."""
    from emo3d_exp.exporters import ExportRequest, export
    from emo3d_exp.tracking import SampleFaces

    known = plain_conditions(evaluation.provenance) | evaluation.metrics
    tracker.summary({f"{part}/{name}": value for name, value in known.items() if value is not None})
    rows = tracker.rows(len(evaluation.prompts))
    if not len(rows) or evaluator.renderer is None or evaluator.rig is None:
        tracker.report(folder)
        return
    prompts, answers = evaluation.prompts, evaluation.predictions.blendshapes
    samples = SampleFaces(
        sample_id=prompts.sample_id[rows],
        text=tuple(prompts.text[row] for row in rows),
        emotions=prompts.emotions[rows],
        mse=evaluation.per_sample["mse"].to_numpy()[rows],
        emo3d=evaluation.per_sample["emo3d"].to_numpy()[rows],
        truth=_drawn(prompts.blendshapes[rows], evaluator.renderer),
        prediction=evaluator.renderer.render(answers[rows]),
    )
    first = ExportRequest(answers[rows[:1]], rig=evaluator.rig, captions=samples.text[:1])
    (face,) = export("gltf_posed", first, folder / "face_3d.glb")
    tracker.report(folder, samples, face)


def _drawn(faces: np.ndarray, renderer: Renderer) -> np.ndarray:
    """Pictures of true faces, which the jobs of a sweep have in common."""
    which = {"renderer": renderer.fingerprint, "faces": hashlib.sha256(faces.tobytes()).hexdigest()}
    return kept("true faces", [OmegaConf.create(which)], lambda: renderer.render(faces))


def track_outside(cfg: DictConfig, evaluation: Evaluation, evaluator: Evaluator, folder: Path) -> None:
    """Show the evaluation of a predictions file as a run of its own, grouped by system and data."""
    if not is_tracked(cfg):
        return
    system = str(evaluation.provenance["system"])
    tracker = instantiate(cfg.tracking)
    tracker.start(
        run_dir=folder,
        config=OmegaConf.to_container(cfg, resolve=True),
        name=system,
        group=group_name(cfg, system),
        tags=["outside", *system_tags(cfg, system)],
        job_type="evaluate",
        resume_id=None,
    )
    exit_code = 1
    try:
        track(tracker, evaluation, evaluator, cfg.part, folder)
        exit_code = 0
    finally:
        tracker.finish(exit_code)
    log.info(tracker.where())
