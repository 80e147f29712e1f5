"""Which sweep's folder a study in a database belongs to.

Who holds a trial is told by locks in that folder: processes that work in another one would not see them, and
take trials that are being trained.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from emo3d_exp.errors import ConfigError
from emo3d_exp.runs import write_atomically

if TYPE_CHECKING:
    from optuna.study import Study

TOKEN_FILE = ".optuna.folder"
ATTRIBUTE = "folder"


def token_of(sweep: Path) -> str:
    """What tells a sweep's folder from all others, wherever it lies or is mounted; made if there is none."""
    file = sweep / TOKEN_FILE
    if not file.is_file():
        with write_atomically(file) as partial:
            partial.write_text(uuid.uuid4().hex, encoding="utf-8")
    return file.read_text(encoding="utf-8").strip()


def require_own_folder(study: Study, sweep: Path) -> None:
    """Note in a study that is new that it is worked on in ``sweep``; call it with the gate held.

    Raises:
        ConfigError: it is worked on in another folder.
    """
    token = token_of(sweep)
    if ATTRIBUTE not in study.user_attrs:
        study.set_user_attr(ATTRIBUTE, {"token": token, "path": str(sweep)})
    noted = study.user_attrs[ATTRIBUTE]
    if noted["token"] != token:
        raise ConfigError(
            f"the study {study.study_name} of hydra.sweeper.storage was begun in another folder, "
            f"{noted['path']}, where its trials lie, and not in {sweep}: give "
            f"hydra.sweep.dir={noted['path']}, a folder that all machines share, or another "
            "hydra.sweeper.study_name=…"
        )
