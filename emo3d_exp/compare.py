"""``python -m emo3d_exp.compare 'outputs/**'``: runs beside each other, without the cloud."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from emo3d_exp.errors import ConfigError, Emo3DError

USAGE = """\
Compare runs by what they were asked for and what came of it; W&B's offline files do where a folder is gone.

  python -m emo3d_exp.compare 'outputs/**'
  python -m emo3d_exp.compare outputs/benchmark group_by=model.name
  python -m emo3d_exp.compare outputs sort=-test/r_at_10 filter="model.name == 'vae_clip'" out=compared

  sort      a metric, key or fact (run, status, group, sweep, commit, started, duration); with - before it the
            highest first; default: what the search improves where all runs are of one, else the first of
            test/emo3d, test/mse and val/mse that at least half of the runs have
  filter    which runs: filter="loss.lambda_text > 0.3 and test/emo3d < 0.65"; texts in quotation marks; there
            are and, or, not, in
  columns   settings to show, such as columns=model.name,seed; default: those in which the runs differ
  metrics   figures to show, such as metrics=val/mse,test/r_at_10
  group_by  runs that agree in these as one line, mean ± standard deviation, such as
            group_by=model.name,loss.lambda_text
  metric    what runs are judged by on the page; default: what sort names
  part      part of the data whose scores are shown; default test
  out       folder to write runs.csv, runs.md, runs.tex and compare.html to; with group_by groups.csv too
            compare.html opens anywhere: a table to sort and filter, parallel coordinates, curves, and which
            settings mattered (from 10 runs on)

The end of a name will do where it is the only one: lambda_text for loss.lambda_text.
"""


@dataclass(frozen=True)
class Settings:
    """What the command line asks for, as in ``USAGE``."""

    sort: str = ""
    filter: str = ""
    columns: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    metric: str = ""
    part: str = "test"
    out: Path | None = None


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Exits with 2, after one line, for errors that the user can mend."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return
    try:
        patterns, settings = _read(arguments)
        compare_runs(patterns, settings)
    except BrokenPipeError:  # the reader of our output has left: `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Emo3DError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


def _read(arguments: list[str]) -> tuple[list[str], Settings]:
    """Settings are ``key=value``, as for the other commands; all else are folders and patterns."""
    keys = [field.name for field in fields(Settings)]
    patterns, given = list[str](), dict[str, Any]()
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key == "run_dir" and equals:
            patterns.append(value)
        elif key in keys and equals:
            given[key] = _value(key, value)
        elif equals and not Path(argument).exists() and key.isidentifier():
            raise ConfigError(f"'{argument}' is no setting; valid: {', '.join(f'{k}=…' for k in keys)}")
        else:
            patterns.append(argument)
    if not patterns:
        raise ConfigError("say which runs: a folder or a pattern, such as 'outputs/**'")
    return patterns, Settings(**given)


def _value(key: str, value: str) -> Any:
    if key in ("columns", "metrics", "group_by"):
        names = tuple(name.strip() for name in value.strip("[]").split(",") if name.strip())
        if not names:
            raise ConfigError(f"{key}={value}: give names with commas between them")
        return names
    if key == "out":
        if not value:
            raise ConfigError("out=: give a folder, such as out=compared")
        return Path(value)
    return value


def compare_runs(patterns: list[str], settings: Settings) -> None:
    """Print the comparison that is asked for, and write it where ``out`` is given."""
    from emo3d_exp.comparison import compare, filtered, grouped, print_comparison, read_runs, write_comparison

    runs, notes = read_runs(patterns)
    if settings.filter:
        kept = filtered(runs, settings.filter)
        if not kept:
            raise ConfigError(f"filter={settings.filter}: it holds for none of {len(runs)} runs")
        notes.append(f"filter={settings.filter}: {len(kept)} of {len(runs)} runs")
        runs = kept
    scored = sorted({name.partition("/")[0] for run in runs for name in run.metrics if "/" in name})
    if settings.part != "test" and settings.part not in scored:
        raise ConfigError(f"part={settings.part}: no run has scores of it; there are: {', '.join(scored)}")
    found = compare(
        runs,
        notes,
        sort=settings.sort,
        columns=settings.columns,
        metrics=settings.metrics,
        metric=settings.metric,
        part=settings.part,
    )
    groups = grouped(found, settings.group_by) if settings.group_by else None
    print_comparison(found, groups)
    if settings.out is not None:
        written = write_comparison(found, groups, settings.out)
        print(f"wrote {', '.join(path.name for path in written)} to {settings.out}")


if __name__ == "__main__":
    main()
