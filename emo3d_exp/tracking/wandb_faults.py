"""What W&B says when it fails, on one line, without the key, and with what helps."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

log = logging.getLogger(__name__)

CURES = (
    (r"HandleAbandonedError|MailboxClosedError|Connection lost|[Bb]roken pipe",
     "W&B's service on this machine has died: all figures are in the run folder, the page ends before"),
    (r"transactionlog", "the file is empty or damaged, and cannot be uploaded"),
    (r"\b401\b|[Uu]nauthori[sz]ed|API key|invalid.*key", "check the key (wandb login, or WANDB_API_KEY)"),
    (r"\b403\b|[Pp]ermission|[Ff]orbidden", "check that the key may write to tracking.entity"),
    (r"\b404\b|[Nn]ot found", "check tracking.entity, tracking.project and WANDB_BASE_URL"),
    (r"\b429\b|[Rr]ate limit", "the server asks for fewer requests: try again later"),
    (r"certificate|tls|TLS|SSL|HTTPS", "check whether WANDB_BASE_URL is http or https"),
    (r"\b5\d\d\b", "the server has a fault of its own: try again later"),
    (r"refused|no such host|[Tt]imed? ?out|timeout|deadline|reset|EOF|connect|login was not answered",
     "check the network and WANDB_BASE_URL"),
)  # fmt: skip
"""Pattern in what is said → what to do; the first that fits counts."""
USUAL = "try again later"


def faults() -> tuple[type[Exception], ...]:
    """What W&B raises where its server fails, or its own service on this machine."""
    import wandb

    return (wandb.Error, OSError, *_of_the_service())


def _of_the_service() -> tuple[type[Exception], ...]:
    from wandb.sdk.mailbox import HandleAbandonedError, MailboxClosedError

    return (ConnectionError, HandleAbandonedError, MailboxClosedError)


def leave_dead_service(error: BaseException) -> None:
    """Where W&B's service on this machine has died, the next run of this process is to start another."""
    import wandb

    if isinstance(error, _of_the_service()):
        with suppress(*faults()):
            wandb.teardown()


@contextmanager
def costing_no_run(name: str, lost: list[str]) -> Iterator[None]:
    """Within the block W&B may fail: it asks its server first for tables and artifacts, so one that fails by
    then costs what was to be shown, which lies in the run folder too. Its ``name`` joins ``lost``."""
    try:
        yield
    except faults() as error:
        told = one_line(error)
        lost.append(name)
        log.warning("W&B: not on the page, but in the run folder: %s (%s): %s.", name, told, cure(told))


def one_line(error: BaseException) -> str:
    """The error's message on one line of at most 300 characters, with ``…`` in place of the key."""
    text = " ".join(str(error).split()) or type(error).__name__
    key = os.environ.get("WANDB_API_KEY")
    return (text.replace(key, "…") if key else text)[:300].rstrip(".")


def cure(told: str) -> str:
    """What helps against the fault that W&B tells of."""
    return next((help_ for pattern, help_ in CURES if re.search(pattern, told)), USUAL)
