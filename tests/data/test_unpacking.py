import os
import warnings

import pytest
from hostile_zips import HOSTILE, packed

from emo3d_exp.data import UnpackLimits, unpack
from emo3d_exp.errors import DataError

LIMITS = UnpackLimits(members=50, total_bytes=16 << 20, member_bytes=8 << 20, ratio=100)


def everything(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_nothing_is_written(case, tmp_path):
    make, member, reason = HOSTILE[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of a name that stands twice
        (tmp_path / "evil.zip").write_bytes(make())
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError, match=reason) as caught:
        unpack(tmp_path / "evil.zip", tmp_path / "inside" / "pictures", LIMITS)
    message = str(caught.value)
    assert "evil.zip" in message and member.split("/")[0] in message and "\n" not in message
    assert "member" in message or not member
    assert everything(tmp_path) == {"evil.zip", "inside"}


def test_a_good_archive_is_unpacked(tmp_path):
    content = packed(("a/b/1.jpeg", b"one"), ("a\\2.jpeg", b"two"), ("c/", b""), ("é 表情.jpeg", b"three"))
    (tmp_path / "good.zip").write_bytes(content)
    folder = unpack(tmp_path / "good.zip", tmp_path / "new" / "pictures", LIMITS)
    assert everything(folder) == {"good.jpeg", "a", "a/b", "a/b/1.jpeg", "a/2.jpeg", "c", "é 表情.jpeg"}
    assert (folder / "é 表情.jpeg").read_bytes() == b"three"
    assert everything(tmp_path / "new") == {"pictures", *(f"pictures/{n}" for n in everything(folder))}
    with pytest.raises(DataError, match="exists already"):
        unpack(tmp_path / "good.zip", folder)


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "good.zip").write_bytes(packed())
    (tmp_path / "outside").mkdir()
    os.symlink(tmp_path / "outside", tmp_path / "pictures")
    with pytest.raises(DataError, match="exists already"):
        unpack(tmp_path / "good.zip", tmp_path / "pictures")
    assert not everything(tmp_path / "outside")


def test_what_a_killed_process_left_is_replaced(tmp_path):
    (tmp_path / "good.zip").write_bytes(packed())
    (tmp_path / ".pictures.partial").mkdir()
    (tmp_path / ".pictures.partial" / "half.jpeg").write_bytes(b"half")
    assert everything(unpack(tmp_path / "good.zip", tmp_path / "pictures")) == {"good.jpeg"}
