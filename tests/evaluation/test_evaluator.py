"""The evaluator against a plain recomputation, with a judge and a renderer that cost nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from evaluation_fakes import (
    FakeCache,
    FakeJudge,
    FakeRenderer,
    FakeRig,
    emotions_of,
    make_prompts,
    take,
)

from emo3d_exp.errors import ConfigError, DataError
from emo3d_exp.evaluation import BankSettings, Evaluator, LookSettings, PromptBank, reference_faces
from emo3d_exp.evaluation.conditions import in_one_line, in_words
from emo3d_exp.evaluation.pictures import face_features
from emo3d_exp.faces import Look
from emo3d_exp.metrics import emo3d_scores
from emo3d_exp.records import Predictions
from emo3d_exp.vocab import EMOTIONS, dominant

MEAN_FACE = make_prompts(64, seed=9).blendshapes.mean(axis=0)
SETTINGS = BankSettings(size=80)


def make_evaluator(**changes):
    arguments = {
        "rig": FakeRig(),
        "renderer": FakeRenderer(),
        "judge": FakeJudge(),
        "cache": FakeCache(),
        "bank": SETTINGS,
        "looks": LookSettings(count=1),
        "bootstrap": 100,
    }
    return Evaluator(**(arguments | changes))


def noisy(prompts, noise=0.05, seed=0):
    faces = prompts.blendshapes + np.random.default_rng(seed).normal(0, noise, prompts.blendshapes.shape)
    return Predictions(prompts.sample_id, prompts.text_number, faces.clip(0, 1).astype(np.float32))


@pytest.fixture(scope="module")
def prompts():
    return make_prompts(30, texts_each=2, first_id=1000, seed=1)


@pytest.fixture(scope="module")
def evaluation(prompts):
    evaluator = make_evaluator()
    bank = evaluator.select_bank(make_prompts(200, seed=2))
    order = np.random.default_rng(0).permutation(len(prompts))
    mixed = take(prompts, order)  # prompts need not be sorted
    return evaluator.evaluate(noisy(prompts), mixed, bank, MEAN_FACE, data_fingerprint="d", system="noisy")


def test_metrics_equal_a_plain_recomputation(evaluation):
    prompts, bank, judge, renderer = evaluation.prompts, evaluation.bank, FakeJudge(), FakeRenderer()
    among = judge.encode_texts(bank.text)
    among /= np.linalg.norm(among, axis=1, keepdims=True)
    faces = {"prediction": evaluation.predictions.blendshapes, **reference_faces(prompts, MEAN_FACE)}
    for name, rows in faces.items():
        figures = evaluation.metrics if name == "prediction" else evaluation.references[name]
        values, kls, right = [], [], []
        for row, face in enumerate(rows):
            feature = judge.encode_images(renderer.render(face))[0]
            near = np.argsort(-(among @ feature), kind="stable")[:10]
            psi = np.mean([emotions_of(bank.text[i]) / emotions_of(bank.text[i]).sum() for i in near], axis=0)
            phi = prompts.emotions[row] / prompts.emotions[row].sum()
            p, q = (phi + 1e-3) / 1.008, (psi + 1e-3) / 1.008
            kls.append(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
            values.append(1 / (1 + math.exp(-kls[-1])))
            right.append(psi.argmax() == phi.argmax())
        assert figures["emo3d"] == pytest.approx(np.mean(values), rel=1e-5)
        assert figures["emo3d_kl"] == pytest.approx(np.mean(kls), rel=1e-4)
        assert figures["emotion_accuracy"] == pytest.approx(np.mean(right))
        assert figures["emo3d_low"] <= figures["emo3d"] <= figures["emo3d_high"]
        squares = (rows.astype(np.float64) - prompts.blendshapes) ** 2
        assert figures["mse"] == pytest.approx(squares.mean())
        assert figures["mse_51"] == pytest.approx(squares[:, 1:].mean())


def test_good_faces_stand_below_bad_ones(evaluation):
    assert set(evaluation.references) == {"ground_truth", "mean_face", "neutral", "other_sample", "text"}
    truth = evaluation.references["ground_truth"]
    assert truth["mse"] == 0 and truth["r_at_10"] > 0.9 and truth["emotion_accuracy"] > 0.9
    for name in ("mean_face", "neutral", "other_sample"):
        worse = evaluation.references[name]
        assert worse["emo3d"] > evaluation.metrics["emo3d"] > 0.5
        assert worse["mse"] > evaluation.metrics["mse"] > 0
    assert evaluation.references["text"].keys() == {
        "emo3d", "emo3d_low", "emo3d_high", "emo3d_kl", "emo3d_js", "emo3d_relative", "emotion_accuracy",
        "emotion_accuracy_no_neutral",
    }  # fmt: skip


def test_per_sample_rows_belong_to_their_prompts(evaluation):
    table = evaluation.per_sample
    assert table["text"].tolist() == list(evaluation.prompts.text)
    assert table["sample_id"].tolist() == evaluation.prompts.sample_id.tolist()
    assert table["emo3d"].mean() == pytest.approx(evaluation.metrics["emo3d"])
    squares = (evaluation.predictions.blendshapes - evaluation.prompts.blendshapes) ** 2
    np.testing.assert_allclose(table["mse"], squares.mean(axis=1), rtol=1e-5)
    asked = [EMOTIONS[emotions_of(text).argmax()] for text in table["text"]]
    assert table["dominant"].tolist() == asked
    right = (table["dominant"] == table["predicted_dominant"]).mean()
    assert right == pytest.approx(evaluation.metrics["emotion_accuracy"])
    text_of = dict(zip(evaluation.bank.sample_id.tolist(), evaluation.bank.text, strict=True))
    assert [text_of[i] for i in table["neighbours"][0]] == table["neighbour_texts"][0]
    np.testing.assert_allclose(table[[f"shown_{name}" for name in EMOTIONS]].sum(axis=1), 1)


def test_provenance_says_what_the_figures_depend_on(evaluation):
    facts = evaluation.provenance
    assert facts["judge"] == {"name": "fake_judge", "fingerprint": "fake_judge-0"}
    assert facts["rig"] == {"name": "fake", "fingerprint": "rig0"} and facts["renderer"] == "renderer0"
    assert facts["bank"] == {"split": "train", "size": 80, "seed": 0, "hash": evaluation.bank.fingerprint}
    assert (facts["k"], facts["eps"], facts["split"], facts["prompts"]) == (10, 1e-3, "test", 60)
    assert (facts["data"], facts["system"]) == ("d", "noisy")
    assert json.loads(json.dumps(evaluation.content(), allow_nan=False))["schema"] == 2


def test_the_same_again_and_references_are_drawn_once(prompts):
    evaluator = make_evaluator(threads=2)
    bank = evaluator.select_bank(make_prompts(200, seed=2))
    first = evaluator.evaluate(noisy(prompts), prompts, bank, MEAN_FACE)
    drawn = list(evaluator.renderer.drawn)
    distinct = {face.tobytes() for face in np.concatenate([noisy(prompts).blendshapes, prompts.blendshapes])}
    assert len(drawn) == len(set(drawn)) == len(distinct) + 2  # and the mean and the neutral face
    again = evaluator.evaluate(noisy(prompts), prompts, bank, MEAN_FACE)
    assert evaluator.renderer.drawn == drawn
    assert again.content() == first.content()
    evaluator.evaluate(noisy(prompts, seed=5), prompts, bank, MEAN_FACE)
    assert len(evaluator.renderer.drawn) == len(drawn) + len(prompts)


def test_faces_are_drawn_ahead_only_when_asked_for():
    faces = np.random.default_rng(0).random((40, 52)).astype(np.float32)
    renderer, judge, cache = FakeRenderer(), FakeJudge(), FakeCache()
    repeated = np.concatenate([faces[:25], faces[:5]])
    features = face_features(repeated, renderer, judge, cache, threads=3)
    np.testing.assert_array_equal(features, judge.encode_images(FakeRenderer().render(repeated)))
    assert len(renderer.drawn) == 25
    face_features(faces[:25], renderer, judge, cache, threads=3)
    assert len(renderer.drawn) == 25
    face_features(faces, renderer, judge, cache, threads=3)
    assert len(renderer.drawn) == 40
    other = FakeRenderer(fingerprint="another size")
    face_features(faces[:3], other, judge, cache)
    assert len(other.drawn) == 3


def test_mse_alone_draws_nothing(prompts):
    evaluator = make_evaluator(rig=None, renderer=None, judge=None, cache=None)
    evaluation = evaluator.evaluate(noisy(prompts), prompts, None, MEAN_FACE)
    assert evaluation.metrics.keys() == {
        "mse", "mse_low", "mse_high", "mse_51", "mae", "mse_brow", "mse_cheek", "mse_eye", "mse_jaw",
        "mse_mouth", "mse_nose", "correlation", "mse_relative",
    }  # fmt: skip
    assert evaluation.confusion is None and set(evaluation.emotions["anger"]) == {"prompts", "mse"}
    assert evaluation.references.keys() == {"ground_truth", "mean_face", "neutral", "other_sample"}
    assert evaluation.provenance["judge"] is None and "k" not in evaluation.provenance
    assert "emo3d" not in evaluation.per_sample


def test_a_text_is_scored_against_the_best_of_its_faces(prompts):
    evaluator = make_evaluator(rig=None, renderer=None, judge=None, cache=None)
    faces = np.full((len(prompts), 3, 52), np.nan, np.float32)
    faces[:, 0] = prompts.blendshapes
    faces[::2, 1] = prompts.blendshapes[::2].clip(0, 0.9) + 0.1
    several = replace(prompts, faces=faces)
    answers = noisy(prompts, noise=0.3)
    evaluation = evaluator.evaluate(answers, several, None, MEAN_FACE)
    slow = [
        min(np.mean((answers.blendshapes[row] - face) ** 2) for face in faces[row] if np.isfinite(face).all())
        for row in range(len(prompts))
    ]
    np.testing.assert_allclose(evaluation.per_sample["mse_best"], slow, rtol=1e-5)
    assert evaluation.metrics["mse_best"] == pytest.approx(np.mean(slow), rel=1e-5)
    assert evaluation.metrics["mse_best"] < evaluation.metrics["mse"]
    assert evaluation.references["ground_truth"]["mse_best"] == 0


def test_relative_figures_lie_between_the_truth_and_anothers_face(evaluation):
    references = evaluation.references
    for key in ("mse", "emo3d"):
        assert references["ground_truth"][f"{key}_relative"] == 0
        assert references["other_sample"][f"{key}_relative"] == pytest.approx(1)
        span = references["other_sample"][key] - references["ground_truth"][key]
        own = (evaluation.metrics[key] - references["ground_truth"][key]) / span
        assert evaluation.metrics[f"{key}_relative"] == pytest.approx(own)


def test_emotions_and_confusion_are_counts_of_the_rows(evaluation):
    table = evaluation.per_sample
    for name, figures in evaluation.emotions.items():
        rows = table[table["dominant"] == name]
        assert figures["prompts"] == len(rows)
        assert figures["emo3d"] == pytest.approx(rows["emo3d"].mean())
        assert figures["emotion_accuracy"] == pytest.approx((rows["predicted_dominant"] == name).mean())
    for asked, line in zip(EMOTIONS, evaluation.confusion, strict=True):
        for seen, count in zip(EMOTIONS, line, strict=True):
            both = (table["dominant"] == asked) & (table["predicted_dominant"] == seen)
            assert count == both.sum()


def test_pooled_values_are_those_of_the_mean_divergence(prompts):
    evaluator = make_evaluator(aggregation="pooled")
    bank = evaluator.select_bank(make_prompts(200, seed=2))
    figures = evaluator.evaluate(noisy(prompts, 0.2), prompts, bank, MEAN_FACE).metrics
    assert figures["emo3d"] == pytest.approx(1 / (1 + math.exp(-figures["emo3d_kl"])))
    assert figures["emo3d_low"] < figures["emo3d"] < figures["emo3d_high"]
    single = make_evaluator().evaluate(noisy(prompts, 0.2), prompts, bank, MEAN_FACE).metrics
    assert single["emo3d_kl"] == pytest.approx(figures["emo3d_kl"]) and single["emo3d"] < figures["emo3d"]


@pytest.mark.parametrize("average", ["features", "values"])
def test_looks_are_averaged(prompts, average):
    looks = LookSettings(count=3, average=average)
    evaluator = make_evaluator(looks=looks)
    bank = evaluator.select_bank(make_prompts(200, seed=2))
    result = evaluator.evaluate(noisy(prompts, 0.3), prompts, bank, MEAN_FACE)
    judge, renderer = FakeJudge(), FakeRenderer()
    among = judge.encode_texts(bank.text)
    answers = result.predictions.blendshapes
    views = [judge.encode_images(renderer.render(answers, look)) for look in looks.looks()]
    if average == "features":
        mean = sum(view / np.linalg.norm(view, axis=1, keepdims=True) for view in views) / 3
        expected = emo3d_scores(mean, among, prompts.emotions, bank.emotions)["emo3d"]
    else:
        scores = [emo3d_scores(view, among, prompts.emotions, bank.emotions)["emo3d"] for view in views]
        expected = np.mean(scores, axis=0)
    np.testing.assert_allclose(result.per_sample["emo3d"], expected, rtol=1e-6)
    alone = emo3d_scores(views[0], among, prompts.emotions, bank.emotions)["emo3d"]
    assert not np.allclose(alone, expected), "the other looks must count"
    assert result.provenance["looks"] == {
        "count": 3, "vary": ["camera", "identity", "light"], "average": average, "seed": 0,
    }  # fmt: skip


def test_looks_are_the_same_whenever_they_are_drawn():
    four = LookSettings(count=4).looks()
    assert four == LookSettings(count=6).looks()[:4] and four[0] == Look()
    assert len(set(map(repr, four))) == 4
    cameras = LookSettings(count=3, vary=["camera"]).looks()
    assert [look.skin for look in cameras] == [Look().skin] * 3
    assert [look.yaw for look in cameras] == [look.yaw for look in LookSettings(count=3).looks()]
    assert LookSettings(count=2, seed=1).looks()[1] != four[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, r"looks\.count=0 must be at least 1"),
        ({"vary": ["lens"]}, "lens is not one of camera, light, identity"),
        ({"average": "pixels"}, "not one of features, values"),
        ({"vary": []}, "all looks would be the same"),
        ({"seed": -1}, r"looks\.seed=-1 must not be negative"),
    ],
)
def test_looks_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        LookSettings(**settings)


def test_a_face_is_not_led_back_to_its_own_text():
    prompts = make_prompts(60, seed=4)
    bank_of = make_evaluator().select_bank(prompts)
    found = {}
    for exclude in (True, False):
        evaluator = make_evaluator(exclude_self=exclude)
        table = evaluator.evaluate(noisy(prompts, 0.0), prompts, bank_of, MEAN_FACE).per_sample
        found[exclude] = [own in near for own, near in zip(table.sample_id, table.neighbours, strict=True)]
    assert not any(found[True]) and np.mean(found[False]) > 0.9


def test_what_cannot_be_scored_is_refused(prompts):
    evaluator, some = make_evaluator(), take(prompts, np.arange(6))
    bank = evaluator.select_bank(make_prompts(200, seed=2))
    with pytest.raises(DataError, match="only 9 prompts"):
        small = PromptBank(bank.sample_id[:9], bank.text_number[:9], bank.text[:9], bank.emotions[:9])
        evaluator.evaluate(noisy(some), some, small, MEAN_FACE)
    faceless = take(prompts, np.arange(6))
    faceless.blendshapes[3] = np.nan
    with pytest.raises(DataError, match="no face to compare with for sample_id 1003"):
        evaluator.evaluate(noisy(some), faceless, bank, MEAN_FACE)
    with pytest.raises(DataError, match="54 of 60 prompts have none"):
        evaluator.evaluate(noisy(some), prompts, bank, MEAN_FACE)
    with pytest.raises(DataError, match="stands twice"):
        evaluator.evaluate(noisy(some), take(prompts, np.array([0, 0])), bank, MEAN_FACE)
    with pytest.raises(ConfigError, match="prompt bank"):
        evaluator.evaluate(noisy(some), some, None, MEAN_FACE)


def test_neighbours_that_the_own_sample_uses_up_are_refused():
    prompts = make_prompts(4, texts_each=3)
    evaluator = make_evaluator(k=10)
    bank = evaluator.select_bank(prompts)
    with pytest.raises(DataError, match=r"without the own prompts of sample 0 .* has only 9"):
        evaluator.evaluate(noisy(prompts), prompts, bank, MEAN_FACE)
    assert (
        "emo3d"
        in make_evaluator(k=10, exclude_self=False).evaluate(noisy(prompts), prompts, bank, MEAN_FACE).metrics
    )


def test_emotions_that_the_bank_lacks_stand_in_the_conditions(prompts):
    evaluator, train = make_evaluator(), make_prompts(200, seed=2)
    whole = evaluator.select_bank(train)
    assert "without" not in evaluator.facts(whole)["bank"]
    lacking = evaluator.select_bank(take(train, np.flatnonzero(dominant(train.emotions) < 6)))
    result = evaluator.evaluate(noisy(prompts), prompts, lacking, MEAN_FACE, data_fingerprint="d")
    assert result.provenance["bank"]["without"] == ["fear", "contempt"]
    assert "none of fear and contempt" in in_one_line(result.provenance)
    told = dict(in_words(result.provenance))
    assert "balanced over the emotions but for fear and contempt, of which it has none" in told["Prompt bank"]


def test_unfit_settings_are_refused():
    blind = FakeJudge()
    blind.modalities = frozenset({"text"})
    with pytest.raises(ConfigError, match="fake_judge encodes text only"):
        make_evaluator(judge=blind)
    with pytest.raises(ConfigError, match="k=0"):
        make_evaluator(k=0)
    with pytest.raises(ConfigError, match="seed=-1 not negative"):
        make_evaluator(seed=-1)
    with pytest.raises(ConfigError, match=r"metric\.bank\.seed=-1 must not be negative"):
        BankSettings(seed=-1)
    with pytest.raises(ConfigError, match="renderer"):
        make_evaluator(renderer=None)
    with pytest.raises(ConfigError, match="aggregation=mean is not one of per_sample, pooled"):
        make_evaluator(aggregation="mean")


def test_importing_evaluation_is_cheap_and_never_brings_models():
    code = (
        "import sys, emo3d_exp.evaluation, emo3d_exp.metrics\n"
        "heavy = {'torch', 'pandas', 'cv2', 'rich', 'PIL', 'pyarrow', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "for name in emo3d_exp.evaluation.__all__: getattr(emo3d_exp.evaluation, name)\n"
        "ours = {m.split('.')[1] for m in sys.modules if m.startswith('emo3d_exp.')}\n"
        "assert ours <= {'errors', 'vocab', 'records', 'runs', 'metrics', 'evaluation'}, ours\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
