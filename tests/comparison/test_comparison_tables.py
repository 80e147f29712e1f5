"""What differs, in which order, grouped, filtered, printed and written."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from compared_runs import make_run
from rich.console import Console

from emo3d_exp.comparison import compare, filtered, grouped, print_comparison, read_runs, write_comparison
from emo3d_exp.comparison.cells import duration, figure, mean_and_deviation, setting
from emo3d_exp.comparison.naming import short_names
from emo3d_exp.comparison.run import Run
from emo3d_exp.comparison.text import latex_table, markdown, runs_csv
from emo3d_exp.errors import ConfigError


def made(name: str = "a", metrics: dict[str, float] | None = None, **config: Any) -> Run:
    settings = {key.replace("__", "."): value for key, value in config.items()}
    told = {"test/emo3d": 0.6, "val/mse": 0.01} if metrics is None else metrics
    return Run(name, Path(name), settings, told, "finished")


@pytest.fixture
def runs() -> list[Run]:
    """Two models of three seeds; the loss follows from the model, one of them has no weight of the text."""
    found = []
    for seed in (1, 2, 3):
        told = {"test/emo3d": 0.6 + seed / 100, "val/mse": 0.01, "test/emotion_accuracy": 0.7 + seed / 100}
        one = {"loss___target_": "A", "loss__lambda_text": 0.5, "lr": 0.001, "seed": seed}
        found.append(made(f"vae{seed}", told, model__name="vae_clip", **one))
        other = {"loss___target_": "B", "lr": 0.001, "seed": seed}
        found.append(made(f"lm{seed}", {"test/emo3d": 0.7 + seed / 100}, model__name="lm_mlp", **other))
    return found


def test_keys_that_differ_follow_or_are_constant(runs: list[Run]) -> None:
    found = compare(runs)
    assert found.varied == found.keys == ("model.name", "seed")
    assert found.follow == {"loss._target_": "model.name", "loss.lambda_text": "model.name"}
    assert found.constant == {"lr": 0.001}
    assert found.columns[-3:] == ("test/emo3d", "val/mse", "test/emotion_accuracy")


def test_values_that_never_repeat_settle_nothing() -> None:
    searched = [made(f"r{n}", lr=10.0**-n, dropout=n / 10, seed=1) for n in range(5)]
    assert compare(searched).varied == ("lr", "dropout") and compare(searched).follow == {}


def test_null_and_absent_are_two_things() -> None:
    assert compare([made("a", group=None), made("b")]).varied == ("group",)
    assert compare([made("a", group=None), made("b", group=None)]).constant == {"group": None}


def test_one_run_has_nothing_to_differ_from() -> None:
    found = compare([made("a", lr=1)])
    assert found.varied == () and found.constant == {"lr": 1} and found.metric == "test/emo3d"


def test_order(runs: list[Run]) -> None:
    assert [run.name for run in compare(runs).runs] == ["vae1", "vae2", "vae3", "lm1", "lm2", "lm3"]
    assert compare(runs, sort="-emo3d").runs[0].name == "lm3"
    accuracy = compare(runs, metric="emotion_accuracy")
    assert [run.name for run in accuracy.runs][:3] == ["vae3", "vae2", "vae1"] and accuracy.higher
    assert [run.name for run in compare(runs, sort="-val/mse").runs][3:] == ["lm1", "lm2", "lm3"]
    assert compare(runs, sort="-run").runs[0].name == "vae3"
    assert compare(runs, sort="seed").metric == "test/emo3d"


def test_what_half_of_the_runs_have_judges() -> None:
    def judge(*have: str, part: str = "test") -> str:
        told = [dict.fromkeys(names.split(), 0.5) for names in have]
        return compare([made(f"r{n}", own) for n, own in enumerate(told)], part=part).metric

    assert judge("test/emo3d test/mse", "val/mse", "") == "test/emo3d"  # no figure is had by half
    assert judge("test/emo3d test/mse", "test/mse") == "test/emo3d"
    assert judge("test/emo3d test/mse", "test/mse", "val/mse") == "test/mse"
    assert judge("test/emo3d test/mse", "val/mse", "val/mse") == "val/mse"
    assert judge("val/emo3d", "val/emo3d test/emo3d", part="val") == "val/emo3d"
    assert judge("val/loss", "parameters") == "val/loss" and judge("parameters") == "parameters"
    assert judge("") == ""


def test_columns_and_metrics_are_chosen_by_the_end_of_their_names(runs: list[Run]) -> None:
    found = compare(runs, columns=["status", "lambda_text"], metrics=["mse"])
    assert found.columns == ("run", "status", "loss.lambda_text", "val/mse")
    for wrong, told in {"sed": "'seed'", "emo3b": "'test/emo3d'", "_text": "'loss.lambda_text'"}.items():
        with pytest.raises(ConfigError, match=f"did you mean .*{told}"):
            compare(runs, sort=wrong)
    with pytest.raises(ConfigError, match=r"'b' may be x\.b or y\.b"):
        compare([made("a", x__b=1, y__b=2)], sort="b")


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("model.name == 'vae_clip' and loss.lambda_text > 0.3", "vae1 vae2 vae3"),
        ("test/emo3d < 0.62", "vae1"),
        ("emo3d<.62 or seed in [3]", "vae1 vae3 lm3"),
        ("not model.name in ('vae_clip', 'ridge') and seed != 2", "lm1 lm3"),
        ("loss.lambda_text == null", "lm1 lm2 lm3"),
        ("loss.lambda_text != None", "vae1 vae2 vae3"),
        ("loss.lambda_text < 9", "vae1 vae2 vae3"),
        ("1 < seed <= 2", "vae2 lm2"),
        ("'vae' in run and seed > -1", "vae1 vae2 vae3"),
        ("lambda_text", "vae1 vae2 vae3"),
        ("status == 'finished' and seed == 1", "vae1 lm1"),
        ("seed > 100", ""),
    ],
)
def test_filters(runs: list[Run], expression: str, names: str) -> None:
    assert {run.name for run in filtered(runs, expression)} == set(names.split())


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("model.nam == 'a'", "did you mean 'model.name'"),
        ("model.name == vae_clip", "a text has quotation marks: 'vae_clip'"),
        ("seed = 1", "invalid syntax"),
        ("__import__('os').system('true')", "is not allowed"),
        ("().__class__", "is not allowed"),
        ("seed ** 9 > 1", "is not allowed"),
        ("[x for x in run]", "is not allowed"),
        ("lambda: 1", "is not allowed"),
        ("seed > 'a'", "do not compare"),
        ("-run == 1", "a minus stands before numbers"),
        ("(" * 500 + ")" * 500, "filter="),
        ("", "filter="),
        ("not " * 3000 + "seed", "filter="),
        ("'a' in seed", "do not compare"),
    ],
)
def test_filters_that_are_refused(runs: list[Run], expression: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"(?s)^filter=.*") as raised:
        filtered(runs, expression)
    assert told in str(raised.value)


def test_groups_have_means_over_seeds(runs: list[Run]) -> None:
    found = grouped(compare(runs), ["name"])
    assert found.keys == ("model.name",) and found.repeated == 0
    first, second = found.groups
    assert (first.values, first.runs, first.seeds) == (("vae_clip",), 3, 3)
    assert first.figures["test/emo3d"] == (pytest.approx(0.62), pytest.approx(0.01), 3)
    assert second.figures.keys() == {"test/emo3d"}
    again = grouped(compare([*runs, runs[0]]), ["model.name", "lambda_text"])
    assert again.repeated == 1 and again.groups[1].values == ("lm_mlp", None)


def test_cells() -> None:
    assert [figure(v) for v in (0.0119671, 0.65, 25.0, 1185920, 12345.6, 1.5e-7)] == [
        "0.01197", "0.6500", "25", "1,185,920", "12,346", "1.500e-07",
    ]  # fmt: skip
    assert [setting(v) for v in (None, True, 1e-4, 0.1 + 0.2, "a", 3)] == [
        "null", "true", "0.0001", "0.3", "a", "3",
    ]  # fmt: skip
    assert [duration(v) for v in (0, 25.2, 185, 3725)] == ["< 1 s", "25 s", "3:05 min", "1:02 h"]
    assert mean_and_deviation(0.648, 0.0031, 3, of=3) == "0.6480 ± 0.0031"
    assert mean_and_deviation(59.0, 2.92, 5, of=5) == "59.00 ± 2.92"
    assert mean_and_deviation(0.648, None, 1, of=3) == "0.6480 (1)"
    assert mean_and_deviation(20021.0, 0.0, 3, of=3) == "20,021 ± 0"


def test_the_terminal_has_what_fits_and_names_what_does_not(runs: list[Run]) -> None:
    wide, narrow = (Console(file=io.StringIO(), width=width, force_terminal=True) for width in (160, 50))
    print_comparison(compare(runs, ["a note [of] somebody"]), None, wide)
    text = wide.file.getvalue()  # type: ignore[attr-defined]
    assert "vae_clip" in text and "0.6100" in text and "a note [of] somebody" in text
    assert "no room" not in text and "goes along with model.name: loss.lambda_text, loss._target_" in text
    print_comparison(compare(runs), None, narrow)
    text = narrow.file.getvalue()  # type: ignore[attr-defined]
    left_out = text.partition("no room for: ")[2].partition("(columns=")[0]
    assert "status," in left_out and "model.name" not in left_out
    print_comparison(compare(runs), grouped(compare(runs), ["model.name"]), narrow)
    text = narrow.file.getvalue()  # type: ignore[attr-defined]
    assert "0.6200 ± 0.0100" in text and "no room for: " in text


def test_figures_give_way_before_the_first_settings() -> None:
    told = {"test/emo3d": 0.6, "val/mse": 0.01, "test/mse": 0.02, "test/emotion_accuracy": 0.7, "epoch": 3}
    many = [made(f"r{n}", told, **{f"key_{k}": n + k * 10 for k in range(6)}) for n in range(3)]
    order: list[str] = []
    for width in range(140, 10, -1):
        console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
        print_comparison(compare(many), None, console)
        text = "".join(console.file.getvalue().split())  # type: ignore[attr-defined]
        left = text.partition("noroomfor:")[2].partition("(")[0].split(",")
        order += [name for name in left if name and name not in order]
    assert order == [
        "started", "epoch", "duration", "status", "key_5", "key_4", "test/emotion_accuracy", "test/mse",
        "key_3", "key_2", "key_1", "key_0", "val/mse",
    ]  # fmt: skip


def test_long_names_give_way_to_the_settings_that_differ(tmp_path: Path, cache: Path) -> None:
    for number in range(3):
        name = f"2026-01-31_12-00-0{number}-000000_vae_clip_seed1"
        make_run(tmp_path / name, loss__lambda_text=0.1 * number)
    console = Console(file=io.StringIO(), width=60, force_terminal=True)
    print_comparison(compare(read_runs([str(tmp_path / "*")])[0]), None, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "02-000000_vae_clip_seed1" not in text and "…12-00-02-000000…" in text and "lambda_text" in text
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    print_comparison(compare(read_runs([str(tmp_path)])[0], columns=["lambda_text"]), None, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…12-00-02-000000…" in text and "emotion_accuracy" in text.partition("3 runs")[0]


def test_names_lose_what_they_share_up_to_a_sign_between_words() -> None:
    assert short_names(["2026-01-31_a_vae", "2026-01-31_b_vae"]) == ["…a…", "…b…"]
    assert short_names(["2026-01-31_12_vae", "2026-01-31_1_vae"]) == ["…12…", "…1…"]
    assert short_names(["trial_0001", "trial_0002"]) == ["trial_0001", "trial_0002"]
    assert short_names(["failing/0", "failing/4"]) == ["failing/0", "failing/4"]
    assert short_names(["2026-01-31_multirun/0", "2026-01-31_multirun/12"]) == ["…multirun/0", "…multirun/12"]
    assert short_names(["a_long_name", "a_long_name"]) == ["a_long_name", "a_long_name"]
    own = ["a_long_start_", "a_long_start_of_one"]
    assert short_names(own) == own
    rates = ["vae_clip_lr_0.001_seed1", "vae_clip_lr_0.003_seed1"]
    assert short_names(rates) == ["…0.001…", "…0.003…"]
    assert short_names(["clip_mlp_lr_-0.001", "clip_mlp_lr_-0.01"]) == ["…-0.001", "…-0.01"]
    assert short_names(["one"]) == ["one"] and short_names([]) == []


def test_many_notes_are_cut_short_on_the_terminal_alone(runs: list[Run]) -> None:
    console = Console(file=io.StringIO(), width=160)
    found = compare(runs, [f"note {number}" for number in range(20)])
    print_comparison(found, None, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "note 11" in text and "note 12" not in text and "… and 8 lines more" in text
    assert "- note 19" in markdown(found, None)


def test_files_have_everything_and_escape_what_means_something(tmp_path: Path, cache: Path) -> None:
    make_run(tmp_path / "runs" / "a_|_<b>", seed=1, group="100%_&_more")
    make_run(tmp_path / "runs" / "b", seed=2, emo3d=0.7, git={"commit": "a" * 40, "changed": True})
    runs, notes = read_runs([str(tmp_path / "runs")])
    found = compare(runs, notes)
    files = write_comparison(found, grouped(found, ["group"]), tmp_path / "out")
    assert sorted(file.name for file in files) == [
        "compare.html", "groups.csv", "runs.csv", "runs.md", "runs.tex",
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(runs_csv(found))))
    assert [row["run"] for row in rows] == ["a_|_<b>", "b"] and rows[1]["commit"] == "aaaaaaaa+"
    assert float(rows[1]["test/mse"]) == 0.7 / 50 and rows[1]["path"] == str(tmp_path / "runs" / "b")
    assert r"a_\|_\<b>" in markdown(found, None) and r"a\_|\_\textless{}b" in latex_table(found, None)
    assert r"100\%\_\&\_more" in latex_table(found, grouped(found, ["group"]))
    with pytest.raises(ConfigError, match="choose another place with out="):
        write_comparison(found, None, tmp_path / "runs" / "b" / "config.yaml")


def test_scores_under_other_conditions_are_warned_of(tmp_path: Path, cache: Path) -> None:
    from compared_runs import score

    make_run(tmp_path / "a", seed=1)
    other = make_run(tmp_path / "b", seed=2, emo3d=None)
    score(other, {"emo3d": 0.6}, k=5)
    runs, notes = read_runs([str(tmp_path)])
    (warning,) = compare(runs, notes).warnings
    assert warning == "test/… do not all compare: the runs were scored with other k"
