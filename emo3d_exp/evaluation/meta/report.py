"""A meta-evaluation as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emo3d_exp.evaluation.meta.comparing import SCORES, Apart
from emo3d_exp.evaluation.meta.page import meta_page
from emo3d_exp.evaluation.meta.plots import PLOTS
from emo3d_exp.runs import write_atomically, write_json
from emo3d_exp.vocab import EMOTIONS, dominant

if TYPE_CHECKING:
    import pandas as pd

    from emo3d_exp.evaluation.meta.measuring import MetaEvaluation

CONTENT, PAGE, VALUES = "meta.json", "meta.md", "changes.parquet"


def write_meta(found: MetaEvaluation, folder: Path | str) -> Path:
    """Write ``changes.parquet``, the plots, ``meta.md`` and at last ``meta.json``, each whole or not at all.

    Args:
        folder: made if absent; files of an earlier report in it are replaced.

    Returns:
        the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONTENT).unlink(missing_ok=True)
    with write_atomically(folder / VALUES) as partial:
        value_table(found.apart).to_parquet(partial, index=False)
    for name, (_, draw) in PLOTS.items():
        with write_atomically(folder / name) as partial:
            draw(found).savefig(partial, format="png", dpi=120)
    with write_atomically(folder / PAGE) as partial:
        page = meta_page(found.content, {title: name for name, (title, _) in PLOTS.items()})
        partial.write_text(page, encoding="utf-8")
    write_json(folder / CONTENT, found.content)
    return folder


def value_table(apart: Apart) -> pd.DataFrame:
    """One row a prompt and change: ``sample_id``, ``change``, ``group``, ``verified``, ``own`` and ``other``
    (dominant emotions), and the rises ``emo3d`` and ``mse``."""
    import pandas as pd

    names, prompts = np.array(EMOTIONS, dtype=object), apart.sets.prompts
    rises = {score: apart.rises(score) for score in SCORES}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "sample_id": prompts.sample_id,
                    "change": name,
                    "group": change.group,
                    "verified": change.verified,
                    "own": names[dominant(prompts.emotions)],
                    "other": names[apart.sets.other_emotion],
                    **{score: rises[score][name] for score in SCORES},
                }
            )
            for name, change in apart.sets.changes.items()
        ],
        ignore_index=True,
    )
