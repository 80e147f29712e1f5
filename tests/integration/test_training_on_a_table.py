"""What a build made is trained on: AssembleTable's table, with pictures in the build's own shards."""

import json
import sys
from pathlib import Path

from commands import run, succeed

sys.path.append(str(Path(__file__).parents[1] / "dataset_builder"))
from made_build import build, sample

from emo3d_exp.data import load_table


def test_the_default_system_is_trained_on_a_table(tmp_path):
    samples = [sample(n, faces=2, without=(2,) if n % 10 == 3 else ()) for n in range(40)]
    table = build(tmp_path / "table", samples)
    succeed(
        tmp_path / "cache", tmp_path, "train.py", "data=table", "data.path=table", "tracking=none",
        "threads=1", "batch_size=32", "trainer.max_epochs=1", "evaluate=false", "run_dir=run",
    )  # fmt: skip
    provenance = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert load_table(table).fingerprint() in json.dumps(provenance)
    assert (tmp_path / "run" / "weights.safetensors").is_file()


def test_a_table_that_is_not_there_is_told_in_a_line(tmp_path):
    done = run(tmp_path / "cache", tmp_path, "train.py", "data=table", "data.path=nowhere", "tracking=none")
    assert done.returncode == 2
    assert "data.path=nowhere holds no table" in done.stderr and "Traceback" not in done.stderr
