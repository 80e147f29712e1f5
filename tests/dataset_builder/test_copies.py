"""What stage ``copies`` sets aside, and that no later stage is asked about it."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from emo3d_exp.dataset_builder import RowStore, ScreeningStage, SetAsideCopies, Stage, plan_stages, run_stages
from emo3d_exp.dataset_builder.stage import Estimate
from emo3d_exp.errors import ConfigError, DataError

NEAR = "The old man smiles warmly while his tired eyes follow every child across the sunny garden"


def notes(texts, **settings):
    rows = [{"sample_id": number, "texts": each} for number, each in enumerate(texts)]
    return [row["set_aside"] for row in SetAsideCopies(**settings).process(rows)]


def test_a_text_that_an_earlier_sample_has_is_told_with_its_place():
    texts = [
        ["She is furious, her jaw clenched.", NEAR],
        ["she is  furious, her jaw clenched."],
        [NEAR.replace("sunny", "quiet")],
        ["Another text altogether, about rain.", "Another text altogether, about rain."],
        ["A frown."],
        ["Nothing of the kind.", "A frown!"],
    ]
    assert notes(texts) == [
        None,
        "text 1 equals text 1 of sample 0",
        "text 1 is a near copy of text 2 of sample 0",
        None,
        None,
        "text 2 is a near copy of text 1 of sample 4",
    ]
    assert [note is None for note in notes(texts, set_aside_from=None)] == [
        True,
        False,
        True,
        True,
        True,
        True,
    ]


def test_a_copy_of_a_sample_that_was_set_aside_stays():
    words = [f"word{n}" for n in range(20)]
    chain = [[" ".join(words[n : n + 10])] for n in (0, 1, 2)]
    assert [note is None for note in notes(chain)] == [True, False, True]
    assert [note is None for note in notes(chain[:2])] == [True, False]


def test_thresholds_that_cannot_be_are_refused():
    for wrong in (0, 1.2):
        with pytest.raises(ConfigError, match=r"builder\.copies\.set_aside_from"):
            SetAsideCopies(wrong)


class Told(Stage):
    """Texts, of which None is one that failed; ``asked`` lists the samples it was asked for."""

    name = "texts"

    def __init__(self, *texts):
        self.texts, self.asked = texts, []

    def parameters(self):
        return {}

    def schema(self):
        texts = pa.list_(pa.string())
        return pa.schema([("sample_id", pa.int64()), ("texts", texts), ("set_aside", pa.string())])

    def source(self):
        return [{"sample_id": number} for number in range(len(self.texts))]

    def process(self, rows):
        self.asked += [row["sample_id"] for row in rows]
        texts = [self.texts[row["sample_id"]] for row in rows]
        return [
            {**row, "texts": text and [text], "set_aside": None if text else "failed"}
            for row, text in zip(rows, texts, strict=True)
        ]


class Paid(Stage):
    """A stage as a user writes one, which knows nothing of copies; each row costs a dollar."""

    name = "emotions"
    reads = {"texts": ("texts",)}  # noqa: RUF012

    def __init__(self):
        self.asked = []

    def parameters(self):
        return {}

    def schema(self):
        return pa.schema([("sample_id", pa.int64()), ("cost", pa.float64()), ("calls", pa.int64())])

    def estimate(self, rows):
        assert all(set(row) <= {"sample_id", "texts", "texts_shard", "texts_row"} for row in rows)
        return Estimate(len(rows), float(len(rows)))

    def process(self, rows):
        self.asked += [row["sample_id"] for row in rows]
        return [{"sample_id": row["sample_id"], "cost": 1.0, "calls": 1} for row in rows]


class Gathered(Paid):
    """The last stage: looks at all rows together."""

    name = "gathered"
    reads = {"texts": ("texts",), "emotions": ("cost",)}  # noqa: RUF012
    shard_rows = None


class Build:
    def __init__(self, folder):
        self.folder = folder

    def run(self, *texts, screens=None, **settings):
        """Samples that emotions were paid for, and those that came to the end."""
        paid, gathered = Paid(), Gathered()
        stages = [Told(*texts), *([SetAsideCopies()] if screens is None else screens), paid, gathered]
        self.manifests = run_stages(self.folder, stages, progress=False, **settings)
        return paid.asked, sorted(RowStore(self.folder, "gathered").sample_ids())


@pytest.fixture
def build(tmp_path):
    return Build(tmp_path / "build")


def test_no_later_stage_is_asked_about_a_copy(build):
    assert build.run("one text", "a second", "One  text", "a third") == ([0, 1, 3], [0, 1, 3])
    assert build.manifests["copies"]["set_aside"] == 1 and build.manifests["emotions"]["cost"] == 3.0
    assert build.run("one text", "a second", "One  text", "a third") == ([], [0, 1, 3])


def test_more_samples_leave_what_was_paid_for_as_it_is(build):
    texts = ["one text", "a second", "one text", "a third", "a second", "a fourth"]
    assert build.run(*texts, limit=3) == ([0, 1], [0, 1])
    assert build.run(*texts, limit=2) == ([], [0, 1])
    assert build.run(*texts) == ([3, 5], [0, 1, 3, 5])
    assert all(manifest["complete"] for manifest in build.manifests.values())


def test_a_text_that_is_tried_again_can_make_a_copy_of_a_later_one_and_keep_it_from_being_one(build):
    first = build.run("same words here", None, "another text", "another text", "same words here")
    assert first == ([0, 2], [0, 2])
    # Sample 1 comes to say what 2 says, and so does 3: 2 was paid for and goes no further.
    again = build.run("same words here", "another text", "?", "?", "?", retry=True)
    assert again == ([1], [0, 1])
    assert {0, 1, 2} == RowStore(build.folder, "emotions").sample_ids()
    assert build.manifests["emotions"]["cost"] == 3.0 and build.manifests["emotions"]["complete"]
    # The verdicts are those on the texts, whatever is tried again.
    assert build.run("same words here", "another text", "?", "?", "?", retry=True) == ([], [0, 1])
    assert build.manifests["copies"]["set_aside"] == 3


def test_a_sample_that_ceases_to_be_a_copy_is_paid_for_then(build):
    assert build.run("one text", "one text", "a third") == ([0, 2], [0, 2])
    for file in (build.folder / "copies").iterdir():
        file.unlink()
    more = build.run("one text", "one text", "a third", screens=[SetAsideCopies(set_aside_from=None)])
    assert more == ([], [0, 2])  # other parameters, the same verdicts
    for file in (build.folder / "texts").iterdir():
        file.unlink()
    assert build.run("one text", "now another", "a third", screens=[SetAsideCopies(None)]) == ([1], [0, 1, 2])


def test_copies_are_looked_for_before_any_stage_that_pays_even_where_it_is_asked_for_alone(build):
    texts = ("one text", "one text", "a third")
    with pytest.raises(DataError, match="copies reads stage texts, which is not complete"):
        build.run(*texts, only=["emotions"])
    assert build.run(*texts, only=["texts"]) == ([], []) and list(build.manifests) == ["texts"]
    assert build.run(*texts, only=["emotions"]) == ([0, 2], [])
    assert list(build.manifests) == ["copies", "emotions"]
    assert build.run(*texts, only=["gathered"]) == ([], [0, 2])


def test_a_build_that_was_begun_without_the_stage_goes_on(build):
    texts = ("one text", "one text", "a third")
    assert build.run(*texts, screens=[]) == ([0, 1, 2], [0, 1, 2])
    assert build.run(*texts) == ([], [0, 2])
    assert build.manifests["emotions"]["cost"] == 3.0


class Long(ScreeningStage):
    """A screening stage of a user's own."""

    name = "long"
    reads = {"texts": ("texts",)}  # noqa: RUF012

    def parameters(self):
        return {}

    def process(self, rows):
        aside = ["too long" if len(row["texts"][0]) > 20 else None for row in rows]
        return [
            {"sample_id": row["sample_id"], "set_aside": note} for row, note in zip(rows, aside, strict=True)
        ]


def test_screens_of_ones_own_come_one_after_the_other(build):
    long = "a text that is too long for anybody"
    texts = ("one text", long, long, "One text")
    assert build.run(*texts, screens=[Long(), SetAsideCopies()]) == ([0], [0])
    assert RowStore(build.folder, "copies").sample_ids() == {0, 3}
    assert build.manifests["long"]["set_aside"] == 2 and build.manifests["copies"]["set_aside"] == 1


def test_a_plan_leaves_out_what_is_known_to_be_a_copy(build):
    texts = ("one text", "one text", "a third", "a third", "a fifth")
    stages = [Told(*texts), SetAsideCopies(), Paid(), Gathered()]

    def planned(**settings):
        plan = plan_stages(build.folder, stages, **settings)
        return {each.stage: (each.rows, each.done, each.estimate.cost) for each in plan}

    assert planned()["emotions"] == (5, 0, 5.0) and not build.folder.exists()
    build.run(*texts, only=["texts"])
    assert planned(only=["emotions"]) == {"copies": (5, 0, 0.0), "emotions": (5, 0, 5.0)}
    build.run(*texts, only=["copies"])
    assert planned()["emotions"] == (3, 0, 3.0) and planned()["gathered"] == (3, 0, 3.0)
    build.run(*texts, only=["emotions"], limit=2)
    assert planned() == {
        "texts": (5, 5, 0.0), "copies": (5, 5, 0.0), "emotions": (3, 2, 1.0), "gathered": (3, 0, 3.0)
    }  # fmt: skip
    assert not json.loads((build.folder / "emotions" / "manifest.json").read_text())["complete"]
