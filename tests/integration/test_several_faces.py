"""``samples=…`` of evaluate.py, predict and export, and resuming by a relative folder, as commands."""

from __future__ import annotations

import json
from pathlib import Path

from commands import run, succeed
from faces_table import faces_table
from PIL import Image


def test_a_run_gives_several_faces_to_every_tool(tmp_path: Path, cache: Path) -> None:
    succeed(
        cache, tmp_path, "train.py", "model=cvae_ensemble", "data=emo3d",
        f"data.root={faces_table(tmp_path / 'table')}", "metric=mse", "tracking=none", "threads=1",
        "trainer.max_epochs=2", "run_dir=runs/first",
    )  # fmt: skip
    said = succeed(cache, tmp_path, "evaluate.py", "run_dir=runs/first", "samples=3", "threads=1")
    told = json.loads((tmp_path / "runs/first/evaluation/test/samples.json").read_text(encoding="utf-8"))
    assert told["count"] == 3 and told["samples"]["diversity"] > 0
    assert "3 faces for each text" in said

    asked = ["run_dir=runs/first", "text=he grins, then scowls"]
    succeed(cache, tmp_path, "emo3d_exp.predict", *asked, "samples=2", "size=64", "out=faces.png")
    assert Image.open(tmp_path / "faces.png").size == (3 * 64, 64), "the answer and two faces"
    succeed(cache, tmp_path, "emo3d_exp.export", *asked, "samples=2", "format=arkit_json", "out=faces.json")
    exported = json.loads((tmp_path / "faces.json").read_text(encoding="utf-8"))
    assert [face["text"] for face in exported] == ["he grins, then scowls (1)", "he grins, then scowls (2)"]
    assert exported[0]["blendshapes"] != exported[1]["blendshapes"]

    done = run(cache, tmp_path, "train.py", "run_dir=runs/first", "resume=true")
    assert done.returncode == 0 and "is done already" in done.stdout + done.stderr
    done = run(cache, tmp_path, "emo3d_exp.predict", *asked, "samples=1")
    assert done.returncode == 2 and "samples=1 must be at least 2" in done.stderr
