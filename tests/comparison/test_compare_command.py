"""``python -m emo3d_exp.compare`` from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from compared_runs import make_run

from emo3d_exp.compare import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def outputs(tmp_path: Path, cache: Path) -> Path:
    for seed in (1, 2):
        for weight in (0.1, 0.5):
            folder = tmp_path / "outputs" / f"w{weight}_s{seed}"
            make_run(folder, emo3d=0.6 + weight / 10 + seed / 1000, loss__lambda_text=weight, seed=seed)
    return tmp_path / "outputs"


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    main(arguments)
    return capsys.readouterr().out


def test_it_prints_filters_groups_and_writes(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told([str(outputs)], capsys)
    assert text.index("w0.1_s1") < text.index("w0.1_s2") < text.index("w0.5_s1") < text.index("w0.5_s2")
    assert "4 runs, 4 finished" in text
    text = told([f"{outputs}/**", "filter=lambda_text > .3", "sort=-seed"], capsys)
    assert "w0.1" not in text and text.index("w0.5_s2") < text.index("w0.5_s1")
    assert "filter=lambda_text > .3: 2 of 4 runs" in text
    text = told([f"run_dir={outputs}", "group_by=loss.lambda_text", f"out={tmp_path / 'out'}"], capsys)
    assert "0.6115 ± 0.0007" in text
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "runs.csv", "runs.md", "runs.tex", "groups.csv", "compare.html",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sort=seed"], "say which runs"),
        (["OUT", "sotr=seed"], "'sotr=seed' is no setting; valid: sort=…, filter=…"),
        (["OUT", "sort=sead"], "did you mean 'seed'?"),
        (["OUT", "part=tets"], "part=tets: no run has scores of it; there are: test, val"),
        (["OUT", "filter=seed > 7"], "it holds for none of 4 runs"),
        (["OUT", "columns=,"], "give names with commas"),
        (["OUT", "out="], "give a folder"),
        (["OUT/none"], "there is no folder"),
        (["OUT/x*"], "no runs in"),
        (["OUT", "metric=seed"], "metric=seed: no run has 'seed'"),
    ],
)
def test_errors_are_one_line_and_name_the_cure(
    outputs: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([argument.replace("OUT", str(outputs)) for argument in arguments])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error


def test_help_needs_no_heavy_import() -> None:
    code = (
        "import sys\nfrom emo3d_exp.compare import main\nmain(['--help'])\n"
        "heavy = {'torch', 'wandb', 'pandas', 'sklearn', 'hydra', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and "group_by" in done.stdout, done.stderr


def test_reading_runs_needs_neither_torch_nor_wandb(outputs: Path) -> None:
    code = (
        "import sys\nfrom emo3d_exp.compare import main\n"
        f"main([{str(outputs)!r}])\n"
        "heavy = {'torch', 'wandb', 'pandas', 'sklearn', 'hydra'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
