"""``python -m emo3d_exp.sync 'outputs/**'``: upload what was tracked offline."""

from __future__ import annotations

import os
import sys
import time

from emo3d_exp.errors import ConfigError, Emo3DError

USAGE = """\
Upload runs that were tracked offline, or not to their end, to Weights & Biases; nothing is asked.

  python -m emo3d_exp.sync 'outputs/**'
  python -m emo3d_exp.sync outputs/benchmark dry=true     only say what would be uploaded

  dry         true: list and upload nothing
  timeout_s   seconds without any run done after which the server is given up; default 120

What is there already is skipped, what fails is told at the end (exit status 1), and the same command goes on
with it. Parts of one run are uploaded in their order; a run that a training still writes is left alone.
"""


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Exits with 1 where something is left, with 2 for errors that the user can mend."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return
    try:
        left = sync(*_read(arguments))
    except Emo3DError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on with what is left\n")
        sys.exit(130)
    sys.exit(1 if left else 0)


def _read(arguments: list[str]) -> tuple[list[str], bool, float]:
    patterns, dry, limit = list[str](), False, 120.0
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key == "dry" and value in ("true", "false"):
            dry = value == "true"
        elif key == "timeout_s" and value.replace(".", "", 1).isdigit() and float(value) > 0:
            limit = float(value)
        elif key in ("dry", "timeout_s"):
            raise ConfigError(f"{argument}: give dry=true or dry=false, timeout_s=SECONDS")
        elif key.isidentifier() and argument != key and not os.path.exists(argument):
            raise ConfigError(f"'{argument}' is no setting; valid: dry=…, timeout_s=…")
        else:
            patterns.append(argument)
    if not patterns:
        raise ConfigError("say which runs: a folder or a pattern, such as 'outputs/**'")
    return patterns, dry, limit


def sync(patterns: list[str], dry: bool, limit_s: float) -> int:
    """Upload what waits below the patterns; returns how many parts are left."""
    from emo3d_exp.app.syncing import find_waiting, upload

    found = find_waiting(patterns, time.time())
    parts = sum(map(len, found.runs))
    if parts and not dry:
        _require_key()
    for run in found.runs:
        for part in run:
            print(f"{'would upload' if dry else 'upload'} {part.parent}")
    for line in found.left:
        print(f"left alone: {line}")
    print(f"{parts} parts of {len(found.runs)} runs wait, {found.uploaded} are uploaded already", flush=True)
    if dry or not parts:
        return 0
    failed = list(upload(found.runs, limit_s))
    for part, reason in failed:
        print(f"not uploaded: {part.parent}: {reason}")
    again = "; the same command goes on with them" if failed else ""
    print(f"{parts - len(failed)} parts uploaded, {len(failed)} left{again}")
    return len(failed)


def _require_key() -> None:
    from emo3d_exp.tracking.wandb_settings import has_key

    if not has_key():
        raise ConfigError("there is no W&B key: set WANDB_API_KEY, or give the command: wandb login")


if __name__ == "__main__":
    main()
