"""A search by Optuna that is killed again and again: 40 trials, none lost, none twice, each what it is alone.

    python benchmarks/soak_optuna.py                        three kills of one process
    python benchmarks/soak_optuna.py --processes 2          two processes share the trials, either is killed
    python benchmarks/soak_optuna.py --launcher joblib      two trials at a time, in workers

Every kill is SIGKILL at a random moment, of the process alone or with its workers. Ends with status 1 unless
all trials are finished, each once, with the weights and the value that the same overrides give alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TASK = ("model=lm_mlp", "data.rows=200", "trainer.max_epochs=4", "threads=1", "tracking=none",
        "evaluate=false", "patience=null")  # fmt: skip
SPACE = {"optimizer.lr": "tag(log,interval(1e-4,1e-1))", "head.dropout": "interval(0,0.5)",
         "batch_size": "choice(16,32)"}  # fmt: skip
LIMIT = 1800
"""Seconds that a soak may take."""


def command(folder: Path, trials: int, launcher: str) -> list[str]:
    """One start of the search."""
    jobs = ["hydra.sweeper.n_jobs=2", "hydra.launcher.n_jobs=2"] if launcher == "joblib" else []
    how = ["hydra/sweeper=emo3d_optuna", f"hydra/launcher={launcher}", f"hydra.sweep.dir={folder}"]
    search = [f"hydra.sweeper.n_trials={trials}", "hydra.sweeper.pruner=none", *jobs]
    space = [f"{key}={values}" for key, values in SPACE.items()]
    return [sys.executable, str(ROOT / "train.py"), "-m", *how, *search, *TASK, *space]


class Start:
    """A process of the search, with those that it starts itself."""

    def __init__(self, folder: Path, trials: int, launcher: str) -> None:
        self.log = (folder.parent / "said.txt").open("ab")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command(folder, trials, launcher), stdout=self.log, stderr=self.log, env=environment,
            start_new_session=True, cwd=folder.parent,
        )  # fmt: skip

    def kill(self, alone: bool) -> None:
        """Kill the process, and its workers unless ``alone``."""
        if alone:
            self.process.kill()
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def trained(folder: Path) -> int:
    return len(list(folder.glob("trial_*/weights.safetensors")))


def soak(
    folder: Path, trials: int, kills: int, processes: int, launcher: str, rng: random.Random
) -> list[str]:
    """Run the search to its end through the kills; what went wrong."""
    folder.mkdir(parents=True)
    starts = [Start(folder, trials, launcher) for _ in range(processes)]
    moments = sorted(rng.sample(range(trials), kills))
    end = time.monotonic() + LIMIT
    for moment in moments:
        while trained(folder) < moment and all(start.process.poll() is None for start in starts):
            time.sleep(0.02)
            if time.monotonic() > end:
                return ["too slow"]
        time.sleep(rng.uniform(0, 4))
        chosen = rng.randrange(processes)
        if starts[chosen].process.poll() is None:
            starts[chosen].kill(alone=rng.random() < 0.5)
            print(f"killed with {trained(folder)} of {trials} trained", flush=True)
            starts[chosen] = Start(folder, trials, launcher)
    codes = [start.process.wait(timeout=max(1.0, end - time.monotonic())) for start in starts]
    return [f"a process ended with {code}" for code in codes if code]


def faults(folder: Path, trials: int, alone: Path) -> list[str]:
    """What is wrong with the trials of a finished search."""
    import optuna

    study = optuna.load_study(study_name="emo3d", storage=f"sqlite:///{folder / 'study.db'}")
    found, wrong = study.get_trials(), []
    states = {trial.number: trial.state.name for trial in found}
    if states != dict.fromkeys(range(trials), "COMPLETE"):
        wrong.append(f"states are {states}")
    if len({json.dumps(trial.params) for trial in found}) != len(found):
        wrong.append("two trials have the same parameters")
    folders = sorted(path.name for path in folder.glob("trial_*"))
    if folders != [f"trial_{number:04d}" for number in range(trials)]:
        wrong.append(f"folders are {folders}")
    for trial in found:
        told = json.loads((folder / f"trial_{trial.number:04d}" / "trial.json").read_text())
        if told["params"] != trial.params:
            wrong.append(f"trial {trial.number} has other parameters in its folder")
        wrong += unlike_alone(folder / f"trial_{trial.number:04d}", trial.value, told["overrides"], alone)
    return wrong


def unlike_alone(run: Path, value: float | None, overrides: list[str], alone: Path) -> list[str]:
    """How a trial differs from a training with the same overrides that nobody disturbs."""
    import numpy as np
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from safetensors.numpy import load_file

    from emo3d_exp.app.train import train_in
    from emo3d_exp.runs import RunFolder

    GlobalHydra.instance().clear()
    undisturbed = RunFolder(alone / run.name)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", [*overrides, f"run_dir={undisturbed.path}"])
    undisturbed.path.mkdir(parents=True)
    undisturbed.create(cfg)
    best = train_in(undisturbed, cfg)
    one, other = load_file(RunFolder(run).weights_file), load_file(undisturbed.weights_file)
    wrong = [] if value == best else [f"{run.name}: value {value}, alone {best}"]
    log = (run / "train.log").read_text()
    if log.count("best val/mse") > 1:
        wrong.append(f"{run.name} was trained twice")
    if one.keys() != other.keys() or not all(np.array_equal(one[key], other[key]) for key in one):
        wrong.append(f"{run.name} has other weights than alone")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--launcher", choices=("basic", "joblib"), default="basic")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sweep = Path(folder) / "sweep"
        rng = random.Random(asked.seed)
        wrong = soak(sweep, asked.trials, asked.kills, asked.processes, asked.launcher, rng)
        took = time.monotonic() - started
        wrong += (
            faults(sweep, asked.trials, Path(folder) / "alone") if trained(sweep) else ["nothing trained"]
        )
        if wrong:
            print((Path(folder) / "said.txt").read_text(errors="replace")[-6000:])
    for each in wrong:
        print(f"WRONG: {each}")
    print(
        f"{asked.trials} trials, {asked.kills} kills, {asked.processes} process(es), {asked.launcher}: "
        f"{len(wrong)} faults, {took:.0f} s for the search"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
