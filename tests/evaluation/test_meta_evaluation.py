"""The whole meta-evaluation on a judge that sees the numbers, and its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from evaluation_fakes import FakeCache, FakeJudge, FakeRenderer, FakeRig, make_prompts
from PIL import Image

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.evaluation import BankSettings, Evaluator, LookSettings, select_bank
from emo3d_exp.evaluation.meta import Material, MetaEvaluation, MetaSettings, measure, write_meta
from emo3d_exp.evaluation.meta.findings import findings
from emo3d_exp.evaluation.meta.judging import FaceJudge
from emo3d_exp.evaluation.meta.numbers import NumbersScale, faces_of
from emo3d_exp.evaluation.meta.plots import PLOTS
from emo3d_exp.metrics import emo3d_scores

SETTINGS = MetaSettings(
    prompts=32, ks=(1, 5), epsilons=(1e-3,), banks=(40, 60), looks=(1, 2), redraws=3, noise=(0.1, 0.3)
)


@dataclass
class Steps:
    planned: int = 0
    done: int = 0

    def __call__(self, steps: int) -> Callable[[], None]:
        self.planned = steps
        return self.advance

    def advance(self) -> None:
        self.done += 1


class OtherJudge(FakeJudge):
    name, fingerprint = "other_judge", "other_judge-0"


def evaluator(**changed: Any) -> Evaluator:
    settings = {
        "k": 5, "bank": BankSettings(size=60), "looks": LookSettings(count=2), "bootstrap": 60, "threads": 1
    } | changed  # fmt: skip
    return Evaluator(FakeRig(), FakeRenderer(), FakeJudge(), FakeCache(), **settings)


def material() -> Material:
    prompts, train = make_prompts(40), make_prompts(120, first_id=1000, seed=5)
    answers = {"exact": prompts.blendshapes, "half": prompts.blendshapes / 2}
    facts = {"data": "fake", "part": "test"}
    return Material(prompts, train, train, train.blendshapes.mean(axis=0), answers, [OtherJudge()], facts)


@pytest.fixture(scope="module")
def measured() -> tuple[MetaEvaluation, Steps]:
    steps = Steps()
    return measure(evaluator(), material(), SETTINGS, steps), steps


def test_every_step_is_counted(measured: tuple[MetaEvaluation, Steps]) -> None:
    _, steps = measured
    assert steps.done == steps.planned > 0


def test_values_are_those_of_the_metric(measured: tuple[MetaEvaluation, Steps]) -> None:
    """The ground truth again, from the functional core alone."""
    found, given = measured[0], material()
    judge, cache, renderer = FakeJudge(), FakeCache(), FakeRenderer()
    prompts, bank = found.apart.sets.prompts, select_bank(given.candidates, 60, 0)
    views = []
    for look in LookSettings(count=2).looks():
        view = judge.encode_images([renderer.render(face, look)[0] for face in prompts.blendshapes])
        views.append(view / np.linalg.norm(view, axis=1, keepdims=True))
    wanted = emo3d_scores(
        np.mean(views, axis=0), cache.texts(judge, bank.text), prompts.emotions, bank.emotions, 5, 1e-3,
        prompts.sample_id, bank.sample_id,
    )  # fmt: skip
    np.testing.assert_allclose(found.apart.emo3d["true"], wanted["emo3d"], atol=1e-9)
    assert found.content["ground_truth"]["emo3d"] == pytest.approx(wanted["emo3d"].mean())
    used = [row for row in found.content["sensitivity"]["k"] if row["value"] == 5]
    assert used[0]["ground_truth"] == pytest.approx(wanted["emo3d"].mean())
    assert found.content["systems"]["exact"]["difference"] == pytest.approx(0)
    assert found.content["redraw"]["values"]["true"][0] == pytest.approx(wanted["emo3d"].mean())


def test_values_can_be_averaged_instead_of_features() -> None:
    given = material()
    judge = FaceJudge(evaluator(), given.candidates, lambda: None)
    views = judge.views(given.prompts.blendshapes, LookSettings(count=3).looks())
    scale = judge.scale(average="values")
    each = [replace(scale, average="features").values(view[None], given.prompts)["emo3d"] for view in views]
    np.testing.assert_allclose(scale.values(views, given.prompts)["emo3d"], np.mean(each, axis=0), atol=1e-12)


def test_a_judge_that_sees_emotions_tells_them(measured: tuple[MetaEvaluation, Steps]) -> None:
    content = measured[0].content
    assert content["pairs"]["person"]["mouth"]["emo3d"] > 0.8
    assert content["auc"]["verified"]["changed"] <= content["auc"]["all"]["changed"] == 4 * 32
    assert content["graded"]["interpolation"]["spearman"]["emo3d"]["set"] > 0.85
    assert content["graded"]["interpolation"]["spearman"]["mse"] == pytest.approx(
        {"set": 1, "mean": 1, "median": 1, "lowest_tenth": 1, "share": 1}
    )
    assert content["changes"]["person"]["mse"]["mean"] == 0
    assert content["changes"]["mouth"]["emo3d"]["mean"] > 0
    other = content["sensitivity"]["judge"]
    assert [row["value"] for row in other] == ["fake_judge", "other_judge", "the 52 numbers"]
    assert other[0]["auc"] == pytest.approx(other[1]["auc"])
    assert 0.5 < other[2]["auc"] <= 1


def test_the_judge_that_sees_the_numbers_finds_the_nearest_faces() -> None:
    given = material()
    scale = replace(FaceJudge(evaluator(), given.candidates, lambda: None).scale(), k=3)
    faces, bank = faces_of(scale.bank, given.candidates), scale.bank
    values = NumbersScale(scale, faces).values(given.prompts.blendshapes, given.prompts)
    for row, (face, sample) in enumerate(
        zip(given.prompts.blendshapes, given.prompts.sample_id, strict=True)
    ):
        apart = [
            (float(((face.astype(float) - other) ** 2).sum()), place)
            for place, other in enumerate(faces.astype(float))
            if bank.sample_id[place] != sample
        ]
        near = [place for _, place in sorted(apart)[:3]]
        shown = np.mean([bank.emotions[place] / bank.emotions[place].sum() for place in near], axis=0) + 1e-3
        asked = given.prompts.emotions[row] / given.prompts.emotions[row].sum() + 1e-3
        shown, asked = shown / shown.sum(), asked / asked.sum()
        kl = float((asked * np.log(asked / shown)).sum())
        assert values["emo3d"][row] == pytest.approx(1 / (1 + np.exp(-kl)), abs=1e-6)


def test_mse_of_a_change_is_the_plain_one(measured: tuple[MetaEvaluation, Steps]) -> None:
    apart = measured[0].apart
    for name, change in apart.sets.changes.items():
        slow = [
            sum((float(a) - float(b)) ** 2 for a, b in zip(face, true, strict=True)) / 52
            for face, true in zip(change.faces, apart.sets.true, strict=True)
        ]
        assert apart.rises("mse")[name] == pytest.approx(slow, abs=1e-12)


def test_the_report_is_whole(measured: tuple[MetaEvaluation, Steps], tmp_path: Path) -> None:
    found, folder = measured[0], tmp_path / "deep" / "meta"
    write_meta(found, folder)
    content = json.loads((folder / "meta.json").read_text())
    assert content["schema"] == 1
    assert content["auc"]["verified"]["emo3d"] == found.content["auc"]["verified"]["emo3d"]
    assert content["provenance"]["settings"]["steps"] == 9
    page = (folder / "meta.md").read_text()
    for sentence in findings(found.content):
        assert f"- {sentence}\n" in page
    for name, (title, _) in PLOTS.items():
        assert f"![{title}]({name})" in page
        pixels = np.asarray(Image.open(folder / name).convert("L"))
        assert pixels.std() > 5
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) > 60
    table = pd.read_parquet(folder / "changes.parquet")
    assert len(table) == 9 * 32
    mean = table.groupby("change")["emo3d"].mean()
    for name, row in found.content["changes"].items():
        assert mean[name] == pytest.approx(row["emo3d"]["mean"])
    assert not list(folder.glob("*.partial*"))


def test_sentences_follow_from_the_figures(measured: tuple[MetaEvaluation, Steps]) -> None:
    def told(low: float, high: float) -> str:
        content = json.loads(json.dumps(measured[0].content))
        content["auc"]["verified"]["difference"] = {"value": (low + high) / 2, "low": low, "high": high}
        return findings(content)[0]

    assert "Emo3D tells the two apart better" in told(0.01, 0.02)
    assert "the MSE tells the two apart better" in told(-0.02, -0.01)
    assert "do not differ beyond chance" in told(-0.01, 0.01)
    content = json.loads(json.dumps(measured[0].content))
    content["changes"]["mirror"]["emo3d"] |= {"mean": 0.2, "mean_low": 0.1, "mean_high": 0.3}
    assert any("punishing" in s and "mirror image by .200 [.100, .300]" in s for s in findings(content))
    content["changes"]["mouth"]["auc"]["emo3d"] = 0.6
    assert any("overlooking" in s and "mouth (AUC .600" in s for s in findings(content))
    content["systems"]["half"] |= {"difference": -0.2, "low": -0.3, "high": -0.1}
    worse = "The ground truth is worse, beyond chance, than half by .200 [.100, .300]."
    assert worse in findings(content)


@pytest.mark.parametrize("name", ["k", "eps", "bank", "looks_features_averaged", "looks_values_averaged"])
def test_the_range_over_settings_is_over_all_of_them(
    name: str, measured: tuple[MetaEvaluation, Steps]
) -> None:
    content = json.loads(json.dumps(measured[0].content))
    content["sensitivity"][name][0]["auc"] = 0.123
    (told,) = [sentence for sentence in findings(content) if "settings" in sentence]
    assert f"lies between .123 ({name}=" in told


def test_nothing_verified_is_said_and_not_hidden(tmp_path: Path) -> None:
    """A reader that learned from faces without any difference confirms nothing."""
    given = material()
    same = replace(given.train, blendshapes=np.full_like(given.train.blendshapes, 0.2))
    found = measure(evaluator(), replace(given, train=same), SETTINGS, Steps())
    assert found.content["auc"]["verified"]["changed"] == 0
    assert found.content["auc"]["verified"]["emo3d"] == {"value": None, "low": None, "high": None}
    assert "confirmed no change" in findings(found.content)[0]
    write_meta(found, tmp_path)
    assert json.loads((tmp_path / "meta.json").read_text())["auc"]["all"]["changed"] == 4 * 32


def test_what_cannot_be_measured_is_refused() -> None:
    alone = Evaluator(None, None, None, None)
    with pytest.raises(ConfigError, match="needs a judge"):
        measure(alone, material(), SETTINGS, Steps())
    with pytest.raises(ConfigError, match=r"meta\.ks"):
        measure(evaluator(), material(), replace(SETTINGS, ks=(61,)), Steps())
    with pytest.raises(ConfigError, match=r"meta\.banks"):
        measure(evaluator(), material(), replace(SETTINGS, banks=(3,)), Steps())


def test_neighbours_that_the_own_sample_uses_up_are_refused_before_anything_is_drawn() -> None:
    given, steps = material(), Steps()
    own = replace(given, candidates=given.prompts)
    with pytest.raises(DataError, match=r"without the own prompts of sample .* has only 39"):
        measure(evaluator(bank=BankSettings(size=40)), own, replace(SETTINGS, ks=(40,), banks=(40,)), steps)
    assert steps.done == 0
