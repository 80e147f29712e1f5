"""What ``python -m emo3d_exp.predict`` takes, and what it refuses in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emo3d_exp.errors import ConfigError
from emo3d_exp.predict import _settings, _write, main


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("a faint, bitter smile: hm", ["a faint, bitter smile: hm"]),
        ("[crying] why me", ["[crying] why me"]),
        ("[sigh", ["[sigh"]),
        ("[a: b]", ["[a: b]"]),
        ("${x} = $1", ["${x} = $1"]),
        ('["one, two", "three"]', ["one, two", "three"]),
        ("[no, 1.50]", ["no", "1.50"]),
    ],
)
def test_texts(given: str, texts: list[str]) -> None:
    settings = _settings(["run_dir=a=b", f"text={given}", "out=x/y.png", "top=3", "size=96"])
    assert settings.text == texts
    assert (settings.run_dir, settings.out, settings.top, settings.size) == ("a=b", Path("x/y.png"), 3, 96)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["size=abc"], "size=abc: give a whole number from 1"),
        (["top=abc"], "top=abc: give a whole number from 1"),
        (["size=-5"], "size=-5: give a whole number"),
        (["out="], "out=: give the name"),
        (["txt=x"], "'txt=x' is no setting; valid: run_dir=…, text=…, out=…, samples=…, top=…, size=…"),
        (["text=x"], "run_dir=… is missing"),
        (["run_dir=x", "text=[]"], "text=… is missing"),
    ],
)
def test_refused_in_one_line(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    errors = capsys.readouterr().err
    assert left.value.code == 2 and errors.count("\n") == 1 and errors.startswith(f"error: {told}")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "file" / "face.png", tmp_path / "folder"):
        with pytest.raises(ConfigError, match=r"cannot write .*out=…"):
            _write(picture, place)
    _write(picture, tmp_path / "face.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.png", "file", "folder"]
