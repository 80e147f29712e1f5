"""Libraries that speak more than a user needs to read."""

from __future__ import annotations

import logging
import warnings


def quiet_libraries() -> None:
    """Keep Lightning's and Transformers' advice and progress bars off the console; errors still show."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
        for part in ("utilities.rank_zero", "accelerators.cuda"):
            logging.getLogger(f"{name}.{part}").setLevel(logging.WARNING)
    for pattern in (".*does not have many workers.*", ".*treespec.*", ".*LeafSpec.*", ".*`isinstance.*"):
        warnings.filterwarnings("ignore", message=pattern)
