"""A study in a database is worked on in one folder, whose locks say who trains what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made_trainings import searched

from emo3d_exp.errors import ConfigError

pytest.importorskip("optuna")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    here, there, moved = tmp_path / "here", tmp_path / "there", tmp_path / "moved"
    database = {"storage": f"sqlite:///{tmp_path / 'shared.db'}"}
    one = searched(here, **database)
    one.prepare()
    assert [taken.number for taken in one.study.take(1, 6, one.space)] == [0]
    cure = re.escape(f"give hydra.sweep.dir={here}") + r".*hydra\.sweeper\.study_name"
    with pytest.raises(ConfigError, match=cure):
        searched(there, **database).prepare()
    searched(there, study_name="other", **database).prepare()
    here.rename(moved)
    searched(moved, **database).prepare()


def test_of_two_that_begin_a_study_at_once_one_is_refused(tmp_path: Path) -> None:
    here = searched(tmp_path / "here", storage=f"sqlite:///{tmp_path / 'shared.db'}")
    there = searched(tmp_path / "there", storage=f"sqlite:///{tmp_path / 'shared.db'}")
    here.prepare()
    noted = here.study.study.user_attrs["folder"]
    here.study.study.set_user_attr("folder", {**noted, "token": "written a moment later"})
    with pytest.raises(ConfigError, match="another folder"):
        here.study.take(1, 6, here.space)
    with pytest.raises(ConfigError, match="another folder"):
        there.prepare()
    assert here.study.in_hands() == 0


def test_a_study_in_its_folder_needs_no_token(tmp_path: Path) -> None:
    searched(tmp_path).prepare()
    assert not list(tmp_path.glob(".optuna.folder"))
