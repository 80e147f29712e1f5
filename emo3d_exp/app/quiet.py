"""Libraries that speak more than a user needs to read."""

from __future__ import annotations

import logging
import warnings


def quiet_libraries() -> None:
    """Keep Lightning's, Transformers' and open_clip's advice off the console; errors still show."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
        for part in ("utilities.rank_zero", "accelerators.cuda"):
            logging.getLogger(f"{name}.{part}").setLevel(logging.WARNING)
    logging.getLogger().addFilter(_worth_reading)
    for pattern in (
        ".*does not have many workers.*", ".*treespec.*", ".*LeafSpec.*", ".*`isinstance.*",
        ".*Checkpoint directory .* exists.*",  # as that of a run that goes on does
        ".*sync_dist=True.*",  # what is logged is summed over processes already
    ):  # fmt: skip
        warnings.filterwarnings("ignore", message=pattern)


def _worth_reading(record: logging.LogRecord) -> bool:
    """open_clip tells each step of loading a model, by the logger of all."""
    return record.levelno >= logging.WARNING or "open_clip" not in record.pathname
