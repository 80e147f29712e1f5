"""Which trials the pruner ends, whichever way the objective is better."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from made_trainings import CONFIG, Trainings, searched, states, trials

from emo3d_exp.sweeping import trial_of

pytest.importorskip("optuna")
EPOCHS = 3


LONGER = pytest.mark.slow


@pytest.mark.parametrize(
    ("objective", "direction", "usual", "good", "bad"),
    [
        ("test/r_at_1", "maximize", 0.02, 0.005, 0.5),
        pytest.param("train_seconds", "minimize", 0.02, 0.005, 0.5, marks=LONGER),
        pytest.param("val/agreement", "maximize", 0.2, 0.5, 0.005, marks=LONGER),
    ],
)
def test_the_worse_is_pruned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str, direction: str, usual: float,
    good: float, bad: float,
) -> None:  # fmt: skip
    """Four trials: two that are usual, a good and a bad one."""
    monkeypatch.setitem(CONFIG, "evaluate", True)
    figures = [usual, usual, good, bad]
    final = [0.3, 0.31, 0.9, 0.1] if direction == "maximize" else [3, 3.1, 1, 9]

    def behave(folder: Path, count: int) -> None:
        reports = trial_of(folder)
        assert reports is not None and reports.metric == (objective if "val/" in objective else "val/mse")
        for epoch in range(EPOCHS):
            if reports.tell(epoch, figures[count - 1]):
                (folder / "pruned.json").write_text("{}")
        (folder / "evaluation" / "test").mkdir(parents=True)
        metrics = {"metrics": {"r_at_1": final[count - 1]}}
        (folder / "evaluation" / "test" / "metrics.json").write_text(json.dumps(metrics))

    class Timed(Trainings):
        def figures(self) -> dict[str, float]:
            return {"train_seconds": final[len(self.jobs) - 1]}

    settings = {"n_trials": 4, "pruner_startup": 2, "pruner_warmup": 1}
    searched(tmp_path, Timed(tmp_path, behave), objective=objective, direction=direction, **settings).run()
    assert states(tmp_path) == ["COMPLETE", "COMPLETE", "COMPLETE", "PRUNED"]
    found = yaml.safe_load((tmp_path / "optimization_results.yaml").read_text())
    best = good if objective.startswith("val/") else final[2]
    assert (found["best_trial"], found["best_value"]) == (2, best)
    last = [trial.intermediate_values[EPOCHS - 1] for trial in trials(tmp_path)]
    assert last == ([-each for each in figures] if objective == "test/r_at_1" else figures)
