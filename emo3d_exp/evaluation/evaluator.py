"""From predictions to scores."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.evaluation.bank import (
    BankSettings,
    PromptBank,
    check_emotions,
    check_neighbours,
    select_bank,
)
from emo3d_exp.evaluation.evaluation import Evaluation, per_sample_table
from emo3d_exp.evaluation.judging import Judging, Values, in_order
from emo3d_exp.evaluation.looks import LookSettings
from emo3d_exp.evaluation.predictions import match
from emo3d_exp.evaluation.references import reference_faces
from emo3d_exp.evaluation.summary import by_emotion, confusion, relative, summary
from emo3d_exp.evaluation.wording import counted
from emo3d_exp.metrics import AGGREGATIONS
from emo3d_exp.records import Predictions, Prompts
from emo3d_exp.vocab import VOCABULARY_HASH

if TYPE_CHECKING:
    from emo3d_exp.backbones import EmbeddingCache, Encoder
    from emo3d_exp.faces import Renderer, Rig

log = logging.getLogger(__name__)


class Evaluator:
    """Scores predictions of any system: blendshape errors and, with a judge, the Emo3D metric.

    Args:
        rig, renderer: pose and draw the faces. cache: of the judge's features.
        judge: zero-shot text-image encoder; None: blendshape errors alone, nothing is drawn.
        k: nearest prompts that a face is judged by. eps: smoothing of both distributions.
        aggregation: of the samples' values, see :func:`~emo3d_exp.metrics.aggregate`.
        exclude_self: leave prompts of the sample that is scored out of its neighbours.
        bank: which prompts make the prompt bank. looks: under which faces are drawn.
        bootstrap: replicates of the intervals. seed: of the intervals and of the other sample's face.
        threads: that draw faces; None: the cores there are, at most 4.

    Raises:
        ConfigError: the judge does not encode both texts and images, or a number is out of range.
    """

    def __init__(
        self,
        rig: Rig | None,
        renderer: Renderer | None,
        judge: Encoder | None,
        cache: EmbeddingCache | None,
        k: int = 10,
        eps: float = 1e-3,
        aggregation: str = "per_sample",
        exclude_self: bool = True,
        bank: BankSettings | None = None,
        looks: LookSettings | None = None,
        bootstrap: int = 1000,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.rig, self.renderer, self.judge, self.cache = rig, renderer, judge, cache
        self.k, self.eps, self.aggregation, self.exclude_self = k, eps, aggregation, exclude_self
        self.bank, self.looks = bank or BankSettings(), looks or LookSettings()
        self.bootstrap, self.seed, self.threads = bootstrap, seed, threads
        if k < 1 or not 0 <= eps < np.inf or bootstrap < 1 or seed < 0:
            raise ConfigError(
                f"metric: k={k} and bootstrap={bootstrap} must be positive, eps={eps} and seed={seed} not "
                "negative"
            )
        if aggregation not in AGGREGATIONS:
            raise ConfigError(f"metric.aggregation={aggregation} is not one of {', '.join(AGGREGATIONS)}")
        if judge is not None and not {"text", "image"} <= judge.modalities:
            raise ConfigError(
                f"metric.judge={judge.name} encodes {', '.join(sorted(judge.modalities))} only; the Emo3D "
                "metric needs texts and images in one space: backbone@metric.judge=face_clip or clip_vit_b32"
            )
        if judge is not None and None in (rig, renderer, cache):
            raise ConfigError("the Emo3D metric needs a rig, a renderer and an embedding cache")

    def select_bank(self, prompts: Prompts) -> PromptBank:
        """The bank, drawn by this evaluator's settings from the prompts of ``self.bank.split``."""
        return select_bank(prompts, self.bank.size, self.bank.seed)

    def evaluate(
        self,
        predictions: Predictions,
        prompts: Prompts,
        bank: PromptBank | None,
        mean_face: np.ndarray,
        *,
        split: str = "test",
        data_fingerprint: str = "",
        system: str = "",
        split_fingerprint: str = "",
    ) -> Evaluation:
        """Score predictions and the references.

        Args:
            predictions: in any order; every prompt needs one, others are left aside.
            prompts: N texts with emotions and true faces.
            bank: M prompts; None is enough without a judge.
            mean_face: (52,) mean of the training faces.
            split, data_fingerprint, system: go into the provenance. split_fingerprint: which samples each
                part has; goes there as ``split_hash`` unless empty.

        Raises:
            DataError: a prompt has no prediction, face or emotion; the bank is smaller than ``k``,
                a sample's own prompts left out.
        """
        _check_prompts(prompts)
        bank = None if self.judge is None else self._checked(bank, prompts)
        found = match(predictions, prompts)
        if len(found.extra):
            extra = counted(len(found.extra), "prediction belongs", "predictions belong")
            log.info("%s to none of the %s", extra, counted(len(prompts), "prompt"))
        faces = {"prediction": found.predictions.blendshapes}
        faces |= reference_faces(prompts, mean_face, self.seed)
        values = self._values(faces, prompts, bank)
        facts = {"system": system, "split": split, "data": data_fingerprint, "prompts": len(prompts)}
        facts |= {"split_hash": split_fingerprint} if split_fingerprint else {}
        facts |= {"unasked_predictions": len(found.extra)}
        return self._evaluation(values, facts, found.predictions, prompts, bank)

    def _evaluation(
        self,
        values: dict[str, Values],
        facts: dict[str, Any],
        predictions: Predictions,
        prompts: Prompts,
        bank: PromptBank | None,
    ) -> Evaluation:
        figures = relative({name: self._summary(v, prompts) for name, v in values.items()})
        own = values["prediction"]
        return Evaluation(
            metrics=figures.pop("prediction"),
            references=figures,
            provenance=facts | self.facts(bank),
            per_sample=per_sample_table(own, prompts, bank),
            prompts=prompts,
            predictions=predictions,
            bank=bank,
            emotions=by_emotion(own, prompts),
            confusion=confusion(own, prompts),
        )

    def judging(self) -> Judging:
        """What the judge sees by these settings."""
        return Judging(
            renderer=self.renderer,
            judge=self.judge,
            cache=self.cache,
            looks=self.looks,
            k=self.k,
            eps=self.eps,
            exclude_self=self.exclude_self,
            threads=self.threads,
        )

    def _summary(self, values: Values, prompts: Prompts) -> dict[str, float]:
        return summary(values, prompts, self.bootstrap, self.seed, self.aggregation)

    def _checked(self, bank: PromptBank | None, prompts: Prompts) -> PromptBank:
        if bank is None:
            raise ConfigError("the Emo3D metric needs a prompt bank")
        check_neighbours(prompts, bank, self.k, self.exclude_self)
        return bank

    def _values(
        self, faces: dict[str, np.ndarray], prompts: Prompts, bank: PromptBank | None
    ) -> dict[str, Values]:
        """What is known about every set of faces, prompt by prompt."""
        values = {name: _errors(face, prompts) for name, face in faces.items()}
        if bank is not None:
            for name, judged in self.judging().values(faces, prompts, bank).items():
                values.setdefault(name, {}).update(judged)
        return values

    def facts(self, bank: PromptBank | None) -> dict[str, Any]:
        """What figures depend on: seed, judge, rig, renderer, looks, k, ε, aggregation and bank."""
        facts: dict[str, Any] = {
            "vocabulary": VOCABULARY_HASH,
            "seed": self.seed,
            "bootstrap": self.bootstrap,
        }
        if bank is None:
            return facts | {"judge": None, "rig": None, "renderer": None, "bank": None}
        return facts | {
            "judge": {"name": self.judge.name, "fingerprint": self.judge.fingerprint},
            "rig": {"name": self.rig.name, "fingerprint": self.rig.fingerprint},
            "renderer": self.renderer.fingerprint,
            "looks": self.looks.facts(),
            "k": self.k,
            "eps": self.eps,
            "aggregation": self.aggregation,
            "exclude_self": self.exclude_self,
            "bank": {
                "split": self.bank.split,
                "size": len(bank),
                "seed": self.bank.seed,
                "hash": bank.fingerprint,
                **({"without": absent} if (absent := bank.without()) else {}),
            },
        }


def _check_prompts(prompts: Prompts) -> None:
    if not len(prompts):
        raise DataError("there are no prompts to score")
    check_emotions(prompts, "prompts")
    without = prompts.sample_id[~np.isfinite(prompts.blendshapes).all(axis=1)]
    if len(without):
        ids = ", ".join(map(str, np.unique(without).tolist()))
        raise DataError(f"prompts: no face to compare with for sample_id {ids}")
    if len(np.unique(np.stack([prompts.sample_id, prompts.text_number]), axis=1).T) != len(prompts):
        raise DataError("prompts: a (sample_id, text_number) stands twice")


def _errors(faces: np.ndarray, prompts: Prompts) -> Values:
    from emo3d_exp.metrics import BlendshapeMSE, best_of_references

    metric = BlendshapeMSE()
    metric.update(faces, prompts.blendshapes, prompts.sample_id, prompts.text_number)
    values = in_order(metric.per_sample(), prompts)
    return (
        values if prompts.faces is None else values | {"mse_best": best_of_references(faces, prompts.faces)}
    )
