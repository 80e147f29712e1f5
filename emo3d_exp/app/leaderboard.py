"""``python evaluate.py run_dir='outputs/*'``, and ``against=``: results that exist, side by side."""

from __future__ import annotations

import glob
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from emo3d_exp.app.tracked_names import is_tracked
from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import RunFolder, distinct_names

if TYPE_CHECKING:
    import numpy as np

    from emo3d_exp.evaluation import Leaderboard
    from emo3d_exp.evaluation.standings import Standings

log = logging.getLogger(__name__)

COMPARED = 10
"""Runs that are drawn beside each other."""
METRICS = "metrics.json"


def check_comparison(cfg: DictConfig) -> None:
    """Raise ConfigError where ``against``, ``texts`` or ``tracking`` are given where they mean nothing."""
    pattern = cfg.run_dir is not None and glob.has_magic(str(cfg.run_dir))
    if cfg.against is not None and (cfg.run_dir is None or pattern or glob.has_magic(str(cfg.against))):
        raise ConfigError(
            "against=… compares two results: give it with run_dir=…, each one folder, no pattern"
        )
    if cfg.against is not None and (cfg.out is not None or cfg.samples or is_tracked(cfg)):
        raise ConfigError(
            "against=… prints sentences and writes nothing: leave out=…, samples=… and tracking=… out"
        )
    if cfg.texts is not None and not (pattern and cfg.out):
        raise ConfigError("texts=… go with a leaderboard that is kept: run_dir='outputs/*' out=FOLDER")
    if cfg.texts is not None and not (len(cfg.texts) and all(str(text).strip() for text in cfg.texts)):
        raise ConfigError(
            "texts=… needs at least one text, and none may be empty: texts='[\"a bitter smile\"]'"
        )
    if pattern and is_tracked(cfg) and not cfg.out:
        raise ConfigError("a leaderboard that is tracked is kept in a folder: add out=FOLDER")


def compare_two(ours: str, theirs: str, part: str) -> None:
    """Print by how much one result is better than another, prompt by prompt.

    Raises:
        ConfigError: one is not scored, or they were scored under different conditions.
    """
    from emo3d_exp.evaluation.conditions import differing, in_one_line, value_in_words
    from emo3d_exp.evaluation.leaderboard import read_result, run_folder
    from emo3d_exp.evaluation.pairing import (
        LABELS,
        compared_figures,
        difference,
        read_values,
        replicates_of,
        sentence,
    )
    from emo3d_exp.evaluation.wording import counted

    files = [metrics_file(Path(path), part) for path in (ours, theirs)]
    names = distinct_names([run_folder(file) for file in files])
    results = [read_result(file) for file in files]
    facts = [result["provenance"] for result in results]
    if apart := differing(facts):
        told = [f"{name}: {' and '.join(value_in_words(own, name) for own in facts)}" for name in apart]
        raise ConfigError("\n  ".join([f"{names[0]} and {names[1]} were scored differently:", *told]))
    figures = compared_figures(results[0]["metrics"], facts[0])
    tables = [read_values(file, figures) for file in files]
    for file, table in zip(files, tables, strict=True):
        if table is None:
            raise ConfigError(f"{file.parent} has no per_sample.parquet: score it again")
    for figure in figures:
        found = difference(*tables, figure, replicates_of(*facts))
        log.info("%s: %s", LABELS[figure], sentence(*names, found))
    paired = f"{counted(found.prompts, 'prompt')} of {counted(found.samples, 'sample')}"
    log.info("lower is better; paired over %s; %s", paired, in_one_line(facts[0]))


def metrics_file(folder: Path, part: str) -> Path:
    """The result in a run folder, or in the folder of an evaluation.

    Raises:
        ConfigError: there is none.
    """
    inside = RunFolder(folder).evaluation(part) / METRICS
    for file in (inside, folder / METRICS):
        if file.is_file():
            return file
    raise ConfigError(
        f"{folder}: neither {inside.relative_to(folder)} nor {METRICS} is there; score a run with "
        f"run_dir={folder} part={part}, a file with predictions=…"
    )


def leaderboard(pattern: str, cfg: DictConfig) -> None:
    """A line for every system that the pattern finds scored, as run or as the folder of an evaluation;
    ``out=FOLDER`` keeps the tables, with a picture."""
    from emo3d_exp.evaluation import read_leaderboard
    from emo3d_exp.evaluation.seeds import systems
    from emo3d_exp.evaluation.standings import standings
    from emo3d_exp.evaluation.standings_text import print_standings
    from emo3d_exp.evaluation.wording import counted

    scored, unscored = results_of(pattern, cfg.part)
    if not scored:
        raise ConfigError(
            f"run_dir={pattern}: {counted(len(unscored), 'run folder')}, none with "
            f"evaluation/{cfg.part}/metrics.json; score a run with: python evaluate.py run_dir=… "
            f"part={cfg.part}"
        )
    board = read_leaderboard(scored)
    found = standings(board)
    several_seeds = len(systems(board)) < len(board.entries)
    if not several_seeds:
        board.print()
    print_standings(found, tables=several_seeds)
    if unscored:
        names = ", ".join(map(str, unscored[:COMPARED])) + ", …" * (len(unscored) > COMPARED)
        left = counted(len(unscored), "run folder has", "run folders have")
        log.info("%s no scores on %s yet: %s", left, cfg.part, names)
    if cfg.out:
        write_comparison(board, found, cfg, Path(cfg.out))
        track(found, cfg, Path(cfg.out))


def results_of(pattern: str, part: str) -> tuple[list[Path], list[Path]]:
    """The ``metrics.json`` of all runs and evaluations that a pattern finds, and the runs that have none."""
    scored, unscored = [], []
    for folder in map(Path, sorted(glob.glob(pattern))):
        run = (folder / "config.yaml").is_file()
        file = RunFolder(folder).evaluation(part) / METRICS if run else folder / METRICS
        if file.is_file():
            scored.append(file)
        elif run:
            unscored.append(folder)
    return scored, unscored


def write_comparison(board: Leaderboard, found: Standings, cfg: DictConfig, folder: Path) -> None:
    """``leaderboard.csv`` with every run; ``systems.csv``, ``.md`` and ``.tex`` with seeds taken together;
    ``comparison.png``: what the best systems make of the same texts; ``leaderboard.html`` with all of it."""
    from PIL import Image

    from emo3d_exp.evaluation.standings_csv import write_csv
    from emo3d_exp.evaluation.standings_latex import write_latex
    from emo3d_exp.evaluation.standings_page import write_page
    from emo3d_exp.evaluation.standings_text import write_markdown
    from emo3d_exp.evaluation.wording import counted
    from emo3d_exp.runs import write_atomically

    sheet, shown = drawn(board, cfg)
    asked = "texts of your own" if cfg.texts else "the clearest prompts"
    told = f"Faces of {counted(len(shown), 'system')} for {asked}, one run of each ({'; '.join(shown)})."
    if sheet is not None:
        with write_atomically(folder / "comparison.png") as partial:
            Image.fromarray(sheet).save(partial, format="PNG", optimize=True)
    write_markdown(found, folder / "systems.md")
    write_latex(found, folder / "systems.tex")
    write_csv(found, folder / "systems.csv")
    write_page(found, folder / "leaderboard.html", sheet, told)
    board.write_csv(folder / "leaderboard.csv")
    pictured = "" if sheet is None else ", and comparison.png"
    log.info("wrote leaderboard.html and .csv, systems.csv, .md and .tex%s to %s", pictured, folder)


def drawn(board: Leaderboard, cfg: DictConfig) -> tuple[np.ndarray | None, list[str]]:
    """The picture of the best systems, and which run of each it shows; None where nothing can be drawn."""
    from emo3d_exp.app.comparing import answer_texts, answered_alike, compare_results
    from emo3d_exp.app.data import load_data
    from emo3d_exp.app.scoring import check_same_data
    from emo3d_exp.evaluation.leaderboard import run_folder
    from emo3d_exp.evaluation.seeds import systems

    firsts = {system.runs[0].path: system.name for system in systems(board)[:COMPARED]}
    best = list(firsts) if cfg.texts else answered_alike(list(firsts))
    runs = [run for run in map(RunFolder, map(run_folder, best)) if run.config_file.is_file()]
    if not runs:
        log.info("no picture: the texts of outside systems are known through a run on the same data")
        return None, []
    renderer = instantiate(cfg.renderer, rig=instantiate(cfg.rig))
    if cfg.texts is None:
        data = load_data(runs[0].config())
        check_same_data(runs[0], data)
        return compare_results(best, data, cfg.part, renderer), runs_shown(firsts, best)
    from emo3d_exp.app.assemble import set_threads
    from emo3d_exp.app.quiet import quiet_libraries

    quiet_libraries()
    set_threads(cfg.threads)
    own = [file for file in best if RunFolder(run_folder(file)).config_file.is_file()]
    return answer_texts(runs, [str(text) for text in cfg.texts], renderer), runs_shown(firsts, own)


def runs_shown(systems: Mapping[Path, str], results: Sequence[Path]) -> list[str]:
    """``ridge: run ridge_s1`` for each ``metrics.json``, the run as the picture names it."""
    from emo3d_exp.app.comparing import headings
    from emo3d_exp.evaluation.leaderboard import run_folder

    folders = [run_folder(file) for file in results]
    return [
        f"{systems[file]}: {'run ' if RunFolder(folder).config_file.is_file() else ''}{heading}"
        for file, folder, heading in zip(results, folders, headings(folders), strict=True)
    ]


def track(found: Standings, cfg: DictConfig, folder: Path) -> None:
    """Show a leaderboard that was written as a run of its own, where ``tracking=…`` asks for it."""
    if not is_tracked(cfg):
        return
    tracker = instantiate(cfg.tracking)
    config: dict[str, Any] = {"run_dir": str(cfg.run_dir), "part": cfg.part}
    config["conditions"] = {part.letter: part.conditions for part in found.parts}
    tags = sorted({str(part.facts.get("judge") and part.facts["judge"]["name"]) for part in found.parts})
    tracker.start(folder, config, "leaderboard", "leaderboards", ["leaderboard", *tags], "leaderboard", None)
    exit_code = 1
    try:
        tracker.summary(means(found))
        tracker.leaderboard(folder)
        exit_code = 0
    finally:
        tracker.finish(exit_code)
    log.info(tracker.where())


def means(found: Standings) -> dict[str, float]:
    """``<system>/<figure>``, with the letter of its conditions before it where there are several."""
    return {
        f"{f'{part.letter}/' if found.warning else ''}{line.name}/{key}": mean
        for part in found.parts
        for line in part.lines
        if line.seeds
        for key, (mean, _) in line.figures.items()
    }
