"""Systems with intervals and paired differences, and the same figures in every format."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from html_reading import read_page
from made_results import make_run
from rich.console import Console

from emo3d_exp.evaluation import pairing
from emo3d_exp.evaluation.intervals import bootstrap_interval
from emo3d_exp.evaluation.leaderboard import read_leaderboard
from emo3d_exp.evaluation.standings import Standings, standings
from emo3d_exp.evaluation.standings_csv import write_csv
from emo3d_exp.evaluation.standings_latex import latex, write_latex
from emo3d_exp.evaluation.standings_page import write_page
from emo3d_exp.evaluation.standings_text import print_standings, write_markdown

GOOD = ([0.6, 0.7, 0.6], [0.7, 0.6, 0.5], [0.5, 0.5, 0.7])
BAD = ([0.8, 0.9, 0.7], [0.9, 0.9, 0.8])
HOSTILE = "a_b & <i>50%</i> | x"


@pytest.fixture(autouse=True)
def three_samples_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a verdict: the made results hold no more."""
    monkeypatch.setattr(pairing, "FEWEST", 3)


@pytest.fixture
def reports(tmp_path: Path) -> list[Path]:
    good = [make_run(tmp_path / f"a{seed}", "good", seed, v) for seed, v in enumerate(GOOD)]
    return good + [make_run(tmp_path / f"b{seed}", HOSTILE, seed, v) for seed, v in enumerate(BAD)]


@pytest.fixture
def found(reports: list[Path]) -> Standings:
    return standings(read_leaderboard(reports))


@pytest.fixture
def apart(reports: list[Path], tmp_path: Path) -> Standings:
    """Two results of another judge and k beside those of ``reports``."""
    facts = {"judge": {"name": "j_2", "fingerprint": "f2"}, "k": 5}
    others = [make_run(tmp_path / f"c{n}", f"other{n}", 1, [0.5, 0.6, 0.7], facts) for n in range(2)]
    return standings(read_leaderboard([*reports, *others]))


def test_differences_of_both_figures_are_those_of_seeds_averaged(found: Standings) -> None:
    (part,) = found.parts
    good, bad, truth = part.lines
    assert (good.name, good.seeds, bad.seeds, truth.name, truth.seeds) == ("good", 3, 2, "ground truth", 0)
    assert part.best == {"emo3d": "good", "mse": "good"} and good.differences == {}
    values = np.mean(BAD, axis=0) - np.mean(GOOD, axis=0)
    expected = bootstrap_interval(values, np.arange(3), replicates=200)  # as the results say
    for key, scale in (("emo3d", 1), ("mse", 0.1)):
        own = bad.differences[key]
        assert (own.mean, own.low, own.high) == pytest.approx(
            [scale * value for value in (values.mean(), *expected)]
        )
        assert own.prompts == 3, "seeds are no samples"


def test_intervals_of_seeds_are_over_prompts_and_those_of_one_run_its_own(
    found: Standings, apart: Standings
) -> None:
    good = found.parts[0].lines[0]
    assert good.intervals["emo3d"] == pytest.approx(
        bootstrap_interval(np.mean(GOOD, axis=0), np.arange(3), replicates=200)
    )
    assert apart.parts[1].lines[0].intervals["emo3d"] == pytest.approx((0.59, 0.62))


def test_each_figure_has_its_own_best(tmp_path: Path) -> None:
    import json

    one, two = (make_run(tmp_path / name, name, 1, [0.6, 0.7, 0.8]) for name in ("one", "two"))
    content = json.loads(two.read_text())
    content["metrics"]["emo3d"] -= 0.1
    content["metrics"]["mse"] += 0.1
    two.write_text(json.dumps(content))
    (part,) = standings(read_leaderboard([one, two])).parts
    assert part.best == {"emo3d": "two", "mse": "one"}
    assert [set(line.differences) for line in part.lines if line.seeds] == [{"mse"}, {"emo3d"}]


def test_a_pooled_value_is_compared_by_its_divergence(tmp_path: Path) -> None:
    facts = {"aggregation": "pooled"}
    good = [make_run(tmp_path / f"a{seed}", "good", seed, v, facts) for seed, v in enumerate(GOOD[:2])]
    bad = make_run(tmp_path / "b", "bad", 1, BAD[0], facts)
    found = standings(read_leaderboard([*good, bad]))
    lines, remarks = found.parts[0].lines, found.parts[0].remarks()
    kl = np.mean([-np.log(1 / np.array(v) - 1) for v in GOOD[:2]], axis=0)
    expected = float((-np.log(1 / np.array(BAD[0]) - 1) - kl).mean())
    assert lines[1].differences["emo3d"].mean == pytest.approx(expected)
    assert remarks[0].startswith("KL: bad is higher than good by ")
    assert "emo3d" not in lines[0].intervals and "emo3d" in lines[1].intervals
    rows = read_csv(write_csv(found, tmp_path / "s.csv"))
    assert float(rows[1]["emo3d_kl_difference"]) == pytest.approx(expected)


def test_sentences(found: Standings) -> None:
    emo3d, mse = found.parts[0].remarks()
    assert re.fullmatch(
        rf"Emo3D: {re.escape(HOSTILE)} is higher than good by \.233 \[\.\d{{3}}, \.\d{{3}}\]", emo3d
    )
    assert mse.startswith(f"MSE: {HOSTILE} is higher than good by .0233 [")


def test_terminal(found: Standings, apart: Standings) -> None:
    for width, shown in ((200, True), (80, False)):
        console = Console(file=io.StringIO(), width=width, force_terminal=True, legacy_windows=False)
        print_standings(found, console)
        text = console.file.getvalue()
        assert "…" not in text and ".600 ± .033" in text and "is higher than good by" in text
        assert ("1,234" in text) is shown and "Not comparable" not in text
    console = Console(file=io.StringIO(), width=200)
    print_standings(apart, console)
    text = console.file.getvalue()
    assert "Not comparable across letters, which differ in judge, k" in text
    assert "A: 3 prompts" in text and "judge j_2 (f2)" in text and text.count("ground truth") == 2


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_holds_every_figure_unrounded(found: Standings, apart: Standings, tmp_path: Path) -> None:
    good, bad, truth = read_csv(write_csv(found, tmp_path / "s.csv"))
    lines = found.parts[0].lines
    assert (good["system"], bad["system"], truth["system"]) == ("good", HOSTILE, "reference: ground truth")
    assert (good["seeds"], bad["seeds"], truth["seeds"], good["differing"]) == ("3", "2", "", "")
    for row, line in zip((good, bad), lines, strict=False):
        for key in ("mse", "emo3d", "train_seconds"):
            assert (float(row[key]), float(row[f"{key}_sd"])) == line.figures[key]
        for key in ("mse", "emo3d"):
            assert (float(row[f"{key}_low"]), float(row[f"{key}_high"])) == line.intervals[key]
    own = lines[1].differences["mse"]
    assert [float(bad[f"mse_difference{end}"]) for end in ("", "_low", "_high")] == [
        own.mean, own.low, own.high,
    ]  # fmt: skip
    assert (bad["mse_best"], good["mse_best"], good["judge"], good["k"]) == ("good", "", "j_1 (f1)", "10")
    rows = read_csv(write_csv(apart, tmp_path / "apart.csv"))
    assert {row["differing"] for row in rows} == {"judge k"}
    assert [row["conditions"] for row in rows] == ["A"] * 3 + ["B"] * 3


def markdown_cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line)[1:-1]
    return [re.sub(r"\\(.)", r"\1", cell).strip() for cell in cells]


def test_markdown_tables_equal_the_figures(found: Standings, apart: Standings, tmp_path: Path) -> None:
    text = write_markdown(found, tmp_path / "s.md").read_text(encoding="utf-8")
    rows = [markdown_cells(line) for line in text.splitlines() if line.startswith("|")]
    assert rows[0][:6] == ["system", "seeds", "MSE ↓", "95 %", "against the best", "Emo3D ↓"]
    assert {len(row) for row in rows} == {len(rows[0])}
    good, bad, truth = rows[2:]
    assert (good[0], bad[0], truth[0]) == ("good", HOSTILE, "ground truth")
    assert (good[5], truth[5], good[4]) == (".600 ± .033", ".550", "")
    assert float(bad[4].split(" ")[0]) == pytest.approx(0.0233, abs=5e-5)
    assert "<i>" not in re.sub(r"\\<i>", "", text), "HTML in a name stays text"
    assert "Not comparable" not in text and "judge j_1 (f1)" in text and "##" not in text
    text = write_markdown(apart, tmp_path / "apart.md").read_text(encoding="utf-8")
    assert text.startswith("**Not comparable across letters, which differ in judge, k**")
    assert text.count("| system |") == 2 and "B: 3 prompts" in text
    heads = [text.index(f"\n## Conditions {letter}\n\n| system |") for letter in "AB"]
    assert heads == sorted(heads)


def check_latex(text: str) -> None:
    """Every environment and brace closes, rows are as wide as their table, nothing special is bare."""
    body = re.sub(r"(?<!\\)%.*", "", text)
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([^}]*)\}", body):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    bare = re.sub(r"\\[\\{}$&%#_]", "", body)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not set("_#~^<>") & set(re.sub(r"\$[^$]*\$", "", bare))
    for columns, inside in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", body, re.S):
        rows = [line for line in inside.splitlines() if line.endswith(r"\\")]
        assert rows and all(len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1 for row in rows)
    assert not [line for line in body.splitlines() if line.startswith("[")], r"\\ would take it as a length"


def test_latex_is_balanced_and_escaped(found: Standings, apart: Standings, tmp_path: Path) -> None:
    text = write_latex(found, tmp_path / "s.tex").read_text(encoding="utf-8")
    check_latex(text)
    assert r"a\_b \& \textless{}i\textgreater{}50\%\textless{}/i\textgreater{} | x" in text
    assert r"good & 3 & \textbf{.0600 $\pm$ .0033}" in text and r"j\_1" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\caption{", r"\label{tab:emo3d-a}"):
        assert rule in text
    text = write_latex(apart, tmp_path / "apart.tex").read_text(encoding="utf-8")
    check_latex(text)
    assert (
        text.count(r"\begin{tabular}")
        == text.count("Not comparable across letters, which differ in judge, k")
        == 2
    )


def captions(file: Path) -> list[str]:
    return re.findall(r"^\\caption\{.*\}$", file.read_text(encoding="utf-8"), re.M)


def test_latex_captions_name_conditions_and_leave_fingerprints_to_a_comment(
    found: Standings, apart: Standings, tmp_path: Path
) -> None:
    file = write_latex(found, tmp_path / "s.tex")
    (caption,) = captions(file)
    assert "caption{3 prompts of the part test; judge j\\_1; rig builtin; one look, the neutral" in caption
    assert "bank of 400 prompts of train (draw 0); own sample left out; k=10" in caption
    assert not re.search(r"\b(d1|s1|f1|r1|p1|b1)\b", caption)
    (comment,) = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("% A")]
    assert comment == f"% A: {found.parts[0].conditions}" and "judge j_1 (f1)" in comment
    one, two = captions(write_latex(apart, tmp_path / "apart.tex"))
    assert "this is A" in one and "judge j\\_1;" in one and "judge j\\_2;" in two


@pytest.mark.parametrize(
    "facts",
    [
        {"judge": {"name": "j_1", "fingerprint": "f2"}},
        {"data": "d2", "prompts": 7},
        {"bank": {"split": "train", "size": 400, "seed": 0, "hash": "b2"}, "k": 5},
    ],
)
def test_latex_captions_keep_fingerprints_that_alone_tell_conditions_apart(
    facts: dict, reports: list[Path], tmp_path: Path
) -> None:
    other = make_run(tmp_path / "other", "other", 1, [0.5, 0.6, 0.7], facts)
    mixed = standings(read_leaderboard([*reports, other]))
    one, two = captions(write_latex(mixed, tmp_path / "mixed.tex"))
    assert latex(mixed.parts[0].conditions) in one and latex(mixed.parts[1].conditions) in two


def test_latex_of_errors_alone_says_that_there_is_no_judge(tmp_path: Path) -> None:
    bare = {key: None for key in ("judge", "rig", "renderer", "bank")}
    report = make_run(tmp_path / "bare", "bare", 1, [0.5, 0.6, 0.7], bare)
    (caption,) = captions(write_latex(standings(read_leaderboard([report])), tmp_path / "bare.tex"))
    assert "3 prompts of the part test; no judge: blendshape errors alone. " in caption


def test_no_character_means_anything_to_latex() -> None:
    assert latex(r"\{}$&%#_~^") == (
        r"\textbackslash{}\{\}\$\&\%\#\_\textasciitilde{}\textasciicircum{}"
    )  # fmt: skip


def test_page_is_sortable_escaped_and_self_contained(
    found: Standings, apart: Standings, tmp_path: Path
) -> None:
    sheet = np.full((40, 60, 3), 128, np.uint8)
    page = read_page(write_page(found, tmp_path / "p.html", sheet, "Faces of <two>"))
    assert "i" not in page.tags and HOSTILE in page.text and "Faces of <two>" in page.text
    (table,) = page.tables
    assert [row[0] for row in table[1:]] == ["good", HOSTILE, "ground truth"]
    assert len(page.values) == 3 * len(table[0]) and len(page.scripts) == 1
    assert float(page.values[2]) == found.parts[0].lines[0].figures["mse"][0]
    ((kind, data),) = page.pictures
    assert kind == "image/jpeg" and data[:2] == b"\xff\xd8"
    assert "is higher than good by" in page.text and "j_1 (f1)" in page.text
    page = read_page(write_page(apart, tmp_path / "apart.html"))
    assert len(page.tables) == 2 and "Not comparable across letters, which differ in judge, k" in page.text
    assert "Conditions A" in page.text and "Conditions B" in page.text and not page.pictures
