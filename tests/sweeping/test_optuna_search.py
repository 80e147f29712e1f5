"""A search's trials are each trained once, whoever dies, fails or shares them; here nothing is trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.utils import JobReturn
from made_trainings import Trainings, searched, states, trials

from emo3d_exp.errors import ConfigError, Emo3DError
from emo3d_exp.sweeping.locks import work
from emo3d_exp.sweeping.space import Space

optuna = pytest.importorskip("optuna")


def die(at: int) -> Callable[[Path, int], None]:
    def behave(folder: Path, count: int) -> None:
        if count == at:
            raise SystemExit(137)

    return behave


def test_hydras_syntax_becomes_optunas() -> None:
    space = Space(
        {"a": "interval(0.5,2)", "b": "tag(log,interval(1e-4,1))", "c": "int(interval(16,64))", "seed": 3,
         "d": "range(1,9,3)", "e": "choice(x,[1,2])", "f": "interval(0,1)"},
        ["g=null,2,true", "f=0.25", "model=lm_mlp"],
    )  # fmt: skip
    d = optuna.distributions
    assert space.distributions() == {
        "a": d.FloatDistribution(0.5, 2),
        "b": d.FloatDistribution(1e-4, 1, log=True),
        "c": d.IntDistribution(16, 64),
        "d": d.IntDistribution(1, 7, step=3),
        "e": d.CategoricalDistribution(["x", "[1,2]"]),
        "g": d.CategoricalDistribution([None, 2, True]),
    }
    assert space.fixed == ["seed=3", "f=0.25", "model=lm_mlp"]
    params = {"a": 1.5, "b": 0.1, "c": 16, "d": 4, "e": "[1,2]", "g": None}
    assert space.overrides(params)[3:] == ["a=1.5", "b=0.1", "c=16", "d=4", "e=[1,2]", "g=null"]


@pytest.mark.parametrize("text", ["tag(bad,interval(0,1))", "interval(2,1)", "choice("])
def test_a_space_that_cannot_be_read_names_its_key(text: str) -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.lr"):
        Space({"optimizer.lr": text}, []).distributions()


def test_nothing_varies() -> None:
    with pytest.raises(ConfigError, match=r"give hydra\.sweeper\.space"):
        Space({}, ["seed=1"])


def test_a_search_that_dies_thrice_goes_on(tmp_path: Path) -> None:
    begun: list[tuple[str, list[str]]] = []
    for at in (2, 1, 3):
        launcher = Trainings(tmp_path, die(at))
        with pytest.raises(SystemExit):
            searched(tmp_path, launcher).run()
        begun += launcher.jobs
    last = Trainings(tmp_path)
    searched(tmp_path, last).run()
    begun += last.jobs
    assert states(tmp_path) == ["COMPLETE"] * 6
    assert len({tuple(trial.params.items()) for trial in trials(tmp_path)}) == 6
    of_trials: dict[str, set[tuple[str, ...]]] = {}
    for name, overrides in begun:
        of_trials.setdefault(name, set()).add(tuple(overrides))
    assert sorted(of_trials) == [f"trial_{number:04d}" for number in range(6)]
    assert all(len(same) == 1 for same in of_trials.values()), "taken up with what it was begun with"
    assert len(begun) == 6 + 3
    found = yaml.safe_load((tmp_path / "optimization_results.yaml").read_text())
    best = min(trials(tmp_path), key=lambda trial: trial.value)
    assert (found["best_value"], found["best_params"]) == (best.value, best.params)
    assert found["best_folder"] == f"trial_{best.number:04d}"


def test_done_once_is_done_and_the_best_of_all_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    searched(tmp_path).run()
    caplog.set_level("INFO")
    again = Trainings(tmp_path)
    searched(tmp_path, again).run()
    assert not again.jobs
    values = sorted(trial.value for trial in trials(tmp_path))
    told = re.findall(r"  (\S+)  \S+/trial_\d{4}  optimizer\.lr=\S+ head\.layers=\d$", caplog.text, re.M)
    assert told == [f"{value:.6g}" for value in values[:5]]
    searched(tmp_path, again, n_trials=8, n_jobs=2).run()
    assert [name for name, _ in again.jobs] == ["trial_0006", "trial_0007"]


def test_processes_share_trials_and_take_up_those_of_the_dead(tmp_path: Path) -> None:
    one, other = searched(tmp_path), searched(tmp_path)
    one.prepare()
    other.prepare()
    mine = one.study.take(4, 6, one.space)
    yours = other.study.take(4, 6, other.space)
    assert [t.number for t in mine] == [0, 1, 2, 3]
    assert [t.number for t in yours] == [4, 5], "six in all"
    assert other.study.take(4, 6, other.space) == []
    worker = work(mine[1].folder)
    assert worker is not None
    for taken in mine:
        taken.claimed.release()  # as the system does when its process ends
    taken_up = other.study.take(4, 6, other.space)
    assert [t.number for t in taken_up] == [0, 2, 3], "1 is still trained, by a worker that has lived on"
    assert [t.params for t in taken_up] == [mine[n].params for n in (0, 2, 3)]
    worker.release()
    assert [t.number for t in other.study.take(4, 6, other.space)] == [1]


def test_failed_trials_do_not_sink_the_search(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def behave(folder: Path, count: int) -> None:
        if count == 2:
            raise ValueError("too large")

    searched(tmp_path, Trainings(tmp_path, behave), arguments=["model=lm_mlp"]).run()
    assert states(tmp_path) == ["COMPLETE", "FAIL", *["COMPLETE"] * 5]
    assert trials(tmp_path)[1].user_attrs["failed"] == "ValueError: too large"
    command = next(text for text in caplog.messages if "run it alone" in text)
    assert f"run_dir={tmp_path / 'trial_0001'}_alone" in command
    assert f"optimizer.lr={trials(tmp_path)[1].params['optimizer.lr']}" in command
    assert "model=lm_mlp" in command


def test_too_many_failures_end_the_search(tmp_path: Path) -> None:
    def behave(folder: Path, count: int) -> None:
        raise ConfigError("no such head")

    with pytest.raises(Emo3DError, match="2 trials of this start have failed"):
        searched(tmp_path, Trainings(tmp_path, behave), max_failures=2).run()
    assert states(tmp_path) == ["FAIL", "FAIL"]


def test_a_launcher_that_dies_is_tried_again(tmp_path: Path) -> None:
    class Dying(Trainings):
        def launch(self, jobs: Sequence[list[str]], initial_job_idx: int) -> list[JobReturn]:
            if not self.jobs:
                self.jobs.append(("", []))
                raise RuntimeError("a worker was killed")
            return super().launch(jobs, initial_job_idx)

    searched(tmp_path, Dying(tmp_path), n_jobs=2).run()
    assert states(tmp_path) == ["COMPLETE"] * 6


def test_pruned_trials_count(tmp_path: Path) -> None:
    def behave(folder: Path, count: int) -> None:
        if count == 3:
            (folder / "pruned.json").write_text('{"epoch": 2, "val/mse": 0.5}')

    searched(tmp_path, Trainings(tmp_path, behave)).run()
    assert states(tmp_path) == [*["COMPLETE"] * 2, "PRUNED", *["COMPLETE"] * 3]


def test_an_objective_is_checked_as_early_as_can_be(tmp_path: Path) -> None:
    launcher = Trainings(tmp_path)
    for objective, said in (("mse", "no figure of a run"), ("test/emo3d", "evaluate=true")):
        with pytest.raises(ConfigError, match=said):
            searched(tmp_path, launcher, objective=objective).run()
    assert not launcher.jobs
    with pytest.raises(ConfigError, match="it has epoch, parameters, val/mse"):
        searched(tmp_path, launcher, objective="val/mze").run()
    assert len(launcher.jobs) == 1
    searched(tmp_path, launcher, objective="parameters").run()
    assert [trial.value for trial in trials(tmp_path)] == [12.0] * 6


def test_a_study_has_one_question(tmp_path: Path) -> None:
    searched(tmp_path).run()
    with pytest.raises(ConfigError, match=r"begun with other settings \(seed was 1, is 2\)"):
        searched(tmp_path, seed=2).run()
    with pytest.raises(ConfigError, match=r"space\.optimizer\.lr was tag"):
        searched(tmp_path, arguments=["optimizer.lr=interval(0,1)"]).run()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"pruner": "mediam"}, "there are none, median, hyperband"), ({"n_trials": 0}, "from 1"),
     ({"n_jobs": "two"}, "n_jobs=two"), ({"direction": "up"}, "minimize, maximize")],
)  # fmt: skip
def test_settings_that_make_no_sense(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        searched(tmp_path, **wrong)


def test_without_optuna_one_line_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emo3d_exp.sweeping.search.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'emo3d_exp\[sweeps\]'"):
        searched(tmp_path)
