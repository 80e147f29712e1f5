"""The sweep over all combinations: the same jobs are refused as by Hydra's own, with less composed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode
from omegaconf.errors import OmegaConfBaseException

from emo3d_exp.app.choices import CONF
from emo3d_exp.sweeping import admit_sweepers

GRID = [f"loss.lambda_text={0.001 * n:.3f}" for n in range(1, 6)]
OTHER = ["loss.lambda_image=0.5", "loss.lambda_image=2", "loss.lambda_image=1e-3"]


class CountingLoader:
    """Hydra's own, which keeps the overrides of what it composes."""

    def __init__(self, loader: Any) -> None:
        self.loader, self.composed = loader, list[Sequence[str]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def load_sweep_config(self, master_config: Any, sweep_overrides: list[str]) -> Any:
        self.composed.append(sweep_overrides)
        return self.loader.load_sweep_config(master_config, sweep_overrides)


@pytest.fixture
def sweeper() -> Iterator[Any]:
    """Of ``train.py -m``, with nothing to launch."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        admit_sweepers()
        loader = CountingLoader(GlobalHydra.instance().config_loader())
        config = loader.load_configuration("train", [], run_mode=RunMode.MULTIRUN)
        made = Plugins.instance().class_name_to_class[config.hydra.sweeper._target_](max_batch_size=None)
        made.config, made.hydra_context = config, HydraContext(config_loader=loader, callbacks=None)
        yield made


def refusal(sweeper: Any, check: Any, jobs: Sequence[Sequence[str]]) -> str:
    """What is told of jobs that cannot be composed; '' of others."""
    sweeper.hydra_context.config_loader.composed.clear()
    try:
        check(sweeper, jobs)
    except (HydraException, OmegaConfBaseException) as error:
        return str(error)
    return ""


def test_of_jobs_that_differ_in_numbers_alone_one_is_composed(sweeper: Any) -> None:
    composed = sweeper.hydra_context.config_loader.composed
    assert refusal(sweeper, type(sweeper).validate_batch_is_legal, list(product(GRID, OTHER))) == ""
    assert len(composed) == 1
    models = ["model=ridge", "model=nearest", "model=vae_clip"]
    jobs = list(product(models, ["seed=1", "seed=2"], ["hydra.verbose=true", "hydra.verbose=false"]))
    assert refusal(sweeper, type(sweeper).validate_batch_is_legal, jobs) == ""
    assert sorted({job[0] for job in composed}) == sorted(models) and len(composed) == 6


@pytest.mark.parametrize(
    "jobs",
    [
        product(["model=ridge", "model=nope"], ["seed=1", "seed=2"]),
        product(["seed=1", "seed=2"], ["loss.lamda_text=0.5"]),
        product(["model=vae_clip", "model=ridge"], ["loss.lambda_text=0.5", "loss.lambda_text=1"]),
        product(["model=clip_mlp"], ["head.hidden=[8]", "head.hidden={a:1}", "loss={lambda_text:1}"]),
        product(["seed=1", "seed=2"], ["hydra.verbose=true", "hydra.job.num=many"]),
        product(["backbone@model.other=minilm", "backbone@model.other=nope"], GRID),
        product(["seed=1"], ["name=a", "name='${foo'"]),
        product(["seed=1"], ["name=a", "name=${seed}", "name=null"]),
        product(["seed=2"], ["~patience=10", "~patience=2"]),
        product(["patience=3", "patience=null"], ["+patience=2"]),
        product(GRID, OTHER),
    ],
)
def test_what_hydra_refuses_is_refused(sweeper: Any, jobs: Any) -> None:
    jobs = [list(job) for job in jobs]
    whole = refusal(sweeper, Sweeper.validate_batch_is_legal, jobs)
    composed = len(sweeper.hydra_context.config_loader.composed)
    assert refusal(sweeper, type(sweeper).validate_batch_is_legal, jobs) == whole
    assert len(sweeper.hydra_context.config_loader.composed) <= composed
