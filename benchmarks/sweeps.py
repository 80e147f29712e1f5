"""A sweep in one command against the same jobs as processes of their own.

The jobs are those of a file of multirun_sweeps/sweep/ (the 5 × 5 grid of VAE-CLIP's λ), on data=mini, with
the settings of the file in either way. A few of them, spread over the sweep, run as `python train.py …` one
after the other, and their mean times the number of jobs stands for all; then the whole sweep runs by each
launcher. Every way begins with a copy of one cache, which has data and embeddings, but no trained system's
faces.

    python benchmarks/sweeps.py --bare
    python benchmarks/sweeps.py --sweep learning_rate --sample 2 --launchers basic --json sweeps.json
    python benchmarks/sweeps.py --only loss.lambda_text=0.001,0.004 --set trainer.max_epochs=5

Told are seconds on the clock, CPU seconds of all processes, and how many of the clock's the trainings
themselves took, by the runs' own stopwatches: what a sweep cannot save. The ratios are those of separate
processes to the sweep. On a busy machine read the CPU seconds, which do not know that joblib's jobs run side
by side.

With --bare the same again for jobs that have nothing in them but a loop written by hand and the drawing and
embedding of the faces (bare_jobs.py), each way against such jobs as processes: how much there is to gain.
They keep nothing in the cache, and train for all epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

ROOT = Path(__file__).resolve().parents[1]
EVERYWHERE = ("tracking.mode=offline",)
BARE = "bare separate"


@dataclass(frozen=True)
class Cost:
    """Seconds of one or several commands: on the clock, of the CPU, and of the trainings in them."""

    wall: float
    cpu: float
    training: float

    def times(self, factor: float) -> Cost:
        return Cost(self.wall * factor, self.cpu * factor, self.training * factor)


def timed(command: list[str], cache: Path, folder: Path, runs: str) -> Cost:
    """Run it, which writes run folders below ``runs``; raise CalledProcessError where it fails."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "EMO3D_CACHE": str(cache), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    with (folder / "said.log").open("a", encoding="utf-8") as said:
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=said, stderr=said)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    models = [json.loads(file.read_text(encoding="utf-8")) for file in (folder / runs).rglob("model.json")]
    training = sum(model.get("train_seconds", 0.0) for model in models)
    return Cost(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, training)


def jobs_of(sweep: str, only: list[str]) -> list[list[str]]:
    """Overrides of every job; ``only`` take the place of what the file goes through."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        place = f"hydra.searchpath=[file://{ROOT / 'multirun_sweeps'}]"
        config = compose("train", [f"sweep={sweep}", place], return_hydra_config=True)
        params = [f"{key}={value}" for key, value in config.hydra.sweeper.params.items()]
        parsed = OverridesParser.create().parse_overrides([*params, *only])
    return BasicSweeper.split_arguments(parsed, None)[0]


def train(*overrides: str) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), *overrides, *EVERYWHERE]


def bare(options: argparse.Namespace, jobs: list[list[str]], place: str, launcher: str) -> list[str]:
    """The command of bare jobs."""
    how = ["--sweep", options.sweep, "--launcher", launcher, "--at-once", str(options.jobs), "--out", place]
    settings = ["--set", *options.set] if options.set else []
    return [sys.executable, str(ROOT / "benchmarks" / "bare_jobs.py"), *map(" ".join, jobs), *how, *settings]


def separate(
    options: argparse.Namespace, jobs: list[list[str]], cache: Path, folder: Path, stripped: bool = False
) -> Cost:
    """Mean cost of one job in a process of its own."""
    step = max(1, len(jobs) // options.sample)
    costs, kind = [], "bare" if stripped else "alone"
    for number, job in enumerate(jobs[step // 2 :: step][: options.sample]):
        place = f"{kind}/{number}"
        alone = (f"sweep={options.sweep}", "hydra.mode=RUN", "resume=false", f"run_dir={place}")
        whole = train(*alone, *job, *options.set)
        command = bare(options, [job], place, "basic") if stripped else whole
        costs.append(timed(command, cache, folder, place))
        print(f"  {kind}: {' '.join(job)}: {told(costs[-1])}", flush=True)
    return Cost(*(sum(values) / len(costs) for values in zip(*map(astuple, costs), strict=True)))


def swept(options: argparse.Namespace, launcher: str, cache: Path, folder: Path) -> Cost:
    """Cost of the whole sweep."""
    how = [f"hydra/launcher={launcher}", f"hydra.sweep.dir={launcher}"]
    how += [f"hydra.launcher.n_jobs={options.jobs}"] if launcher == "joblib" else []
    command = train(f"sweep={options.sweep}", *options.only, *options.set, *how)
    return timed(command, cache, folder, launcher)


def told(cost: Cost) -> str:
    return f"{cost.wall:8.1f} s {cost.cpu:8.1f} CPU s {cost.training:8.1f} s of training"


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Cost]:
    """Cost of all jobs, each way."""
    jobs, caches = jobs_of(options.sweep, options.only), folder / "caches"

    def own_cache(name: str) -> Path:
        return Path(shutil.copytree(caches / "first", caches / name))

    first = [f"sweep={options.sweep}", "hydra.mode=RUN", "resume=false", "run_dir=first"]
    timed(train(*first, *jobs[0], *options.set, "trainer.max_epochs=1"), caches / "first", folder, "first")
    print(f"{len(jobs)} jobs of {options.sweep}", flush=True)
    costs = {"separate": separate(options, jobs, own_cache("separate"), folder).times(len(jobs))}
    for launcher in options.launchers:
        costs[launcher] = swept(options, launcher, own_cache(launcher), folder)
    if options.bare:
        costs[BARE] = separate(options, jobs, caches / "first", folder, stripped=True).times(len(jobs))
        for launcher in options.launchers:
            command = bare(options, jobs, f"bare/{launcher}", launcher)
            costs[f"bare {launcher}"] = timed(command, caches / "first", folder, f"bare/{launcher}")
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sweep", default="vae_clip_lambda_grid")
    parser.add_argument("--sample", type=int, default=3, help="jobs that run in processes of their own")
    parser.add_argument("--launchers", nargs="*", default=["basic", "joblib"])
    parser.add_argument("--jobs", type=int, default=2, help="of joblib at once")
    parser.add_argument("--bare", action="store_true", help="also jobs with nothing but their work in them")
    parser.add_argument("--only", nargs="*", default=[], help="in place of what the file goes through")
    parser.add_argument("--set", nargs="*", default=[], help="settings of every job")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(options, Path(folder))
    for name, cost in costs.items():
        whole = costs[BARE if name.startswith("bare") else "separate"]
        ratios = f"{whole.wall / cost.wall:.2f} × on the clock, {whole.cpu / cost.cpu:.2f} × of the CPU"
        print(f"{name:<13} {told(cost)}   {ratios}")
    if options.json:
        content = {name: asdict(cost) for name, cost in costs.items()}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
