"""A table finds the pictures of its own samples, also after shards were lost and their rows lie elsewhere."""

import dataclasses

from build_beginnings import SomeEmotions, picture
from build_beginnings import SomeTexts as PlainTexts

from emo3d_exp.data import load_table
from emo3d_exp.data.images import encoded_bytes
from emo3d_exp.dataset_builder import AssembleTable, plan_stages, run_stages, validate
from emo3d_exp.dataset_builder.face_rows import face_row, faces_schema
from emo3d_exp.dataset_builder.image_shards import ImageReadingStage
from emo3d_exp.dataset_builder.image_stage import ImageStage, Picture
from emo3d_exp.dataset_builder.stage_schemas import texts_schema

COUNT = 20


class SomeTexts(PlainTexts):
    def schema(self):
        return texts_schema()

    def process(self, rows):
        empty = dict.fromkeys(self.schema().names)
        return [{**empty, **row, "prompt_type": "scene"} for row in super().process(rows)]


class Pictures(ImageStage):
    def __init__(self, failing=()):
        self.failing = failing

    def parameters(self):
        return {}

    def pictures(self, row):
        failed = row["sample_id"] in self.failing
        yield Picture(1, reason="no answer") if failed else Picture(1, picture(row["sample_id"]))


class Faces(ImageReadingStage):
    name = "blendshapes"
    made = 0

    def parameters(self):
        return {}

    def schema(self):
        return faces_schema()

    def process(self, rows):
        self.made += len(rows)
        return [{"sample_id": row["sample_id"], "faces": [face_row(1, [0.5] * 52)]} for row in rows]


def stages(failing=()):
    return [SomeTexts(COUNT), SomeEmotions(), Pictures(failing), Faces(), AssembleTable()]


def built(folder, failing=(), **settings):
    made = stages(failing)
    return run_stages(folder, made, progress=False, **settings), made[3].made


def wrong(folder):
    corpus = load_table(folder)
    samples = corpus.sample_id[corpus.face_sample].tolist()
    assert len(samples) == COUNT
    return [
        sample
        for sample, ref in zip(samples, corpus.image, strict=True)
        if encoded_bytes(ref) != picture(sample)
    ]


def retried_and_lost(folder):
    """Sample 3 was made again and lies apart; then the shard of all others is deleted."""
    built(folder, failing=(3,))
    manifests = built(folder, retry=True)[0]
    assert wrong(folder) == []
    (folder / "images" / "00000.parquet").unlink()
    return manifests


def test_the_table_is_made_again_when_rows_lie_elsewhere(tmp_path):
    before = retried_and_lost(tmp_path)
    after, faces_made = built(tmp_path)
    assert after["images"]["content_hash"] == before["images"]["content_hash"]
    assert after["images"]["places_hash"] != before["images"]["places_hash"]
    assert wrong(tmp_path) == [] and faces_made == 0  # rows that no place stands in are still good
    assert built(tmp_path) == (after, 0)


def test_a_dry_run_counts_the_table_that_is_to_be_made_again(tmp_path):
    retried_and_lost(tmp_path)
    run_stages(tmp_path, stages(), ["images"], progress=False)
    planned = {each.stage: each for each in plan_stages(tmp_path, stages())}
    assert (planned["blendshapes"].done, planned["assemble"].done) == (COUNT, 0)


def test_validation_tells_pictures_that_are_not_those_of_the_table(tmp_path):
    built(tmp_path)
    corpus = load_table(tmp_path)
    assert not [each for each in validate(corpus).findings if "other than" in each.what]
    refs = list(corpus.image)
    refs[4] = dataclasses.replace(refs[4], location=refs[5].location)
    (found,) = [
        each
        for each in validate(dataclasses.replace(corpus, image=tuple(refs))).of("error")
        if "other than" in each.what
    ]
    assert found.count == 1 and found.examples[0] == refs[5].location
