"""A picture that failed beside one that did not is tried again too."""

import pytest
from image_build import built, rows, stage
from stub_image_server import serve_images
from test_moved_pictures import COUNT, Pictures, stages

from emo3d_exp.dataset_builder import RowStore, plan_stages, run_stages, sending
from emo3d_exp.dataset_builder.face_rows import face_row
from emo3d_exp.dataset_builder.image_stage import Picture

pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.005)


def _there(folder):
    return [[image["image"] is not None for image in row["images"]] for row in rows(folder)]


def test_a_sibling_that_failed_is_fetched_or_bought_again_and_the_others_are_not(tmp_path):
    with serve_images(as_url=True, download_faults=[404, None, 503, 503, 503]) as server:

        def run(**settings):
            bought = stage(server, faces=2, concurrency=1, cache=str(tmp_path / "c"), **settings)
            return built(tmp_path / "b", 2, bought, retry=bool(settings))

        first = run()
        assert "set_aside" not in first and first["calls"] == 4
        assert _there(tmp_path / "b") == [[False, True], [False, True]]
        assert ["retry=true" in row["lacking"] for row in rows(tmp_path / "b")] == [True, True]
        assert run()["content_hash"] == first["content_hash"]  # not asked for
        again = run(ask_again=True)
        assert _there(tmp_path / "b") == [[True, True], [True, True]]
        assert [row["lacking"] for row in rows(tmp_path / "b")] == [None, None]
        # One was bought again, whose address was gone; the other was only fetched.
        assert (len(server.asked), server.downloads, again["calls"]) == (5, 8, 5)


class Two(Pictures):
    """The second picture of some samples fails."""

    def pictures(self, row):
        (made,) = super(Two, Two()).pictures(row)
        yield made
        yield Picture(1, reason="no answer") if row["sample_id"] in self.failing else made


def _stages(failing=()):
    made = stages()
    made[2], faces = Two(failing), made[3]
    made[3].process = lambda given: [
        {"sample_id": row["sample_id"], "faces": [_face(*each) for each in enumerate(stored, 1)]}
        for row, stored in faces.with_column(given, "images")
    ]
    return made


def _face(number, image):
    return face_row(number, [0.5] * 52) if image["image"] else face_row(number, reason="no image")


def test_what_was_made_of_such_a_sample_is_made_again(tmp_path):
    run_stages(tmp_path, _stages(failing=(2, 5)), progress=False)
    planned = {each.stage: each for each in plan_stages(tmp_path, _stages(), retry=True)}
    assert (planned["images"].done, planned["assemble"].done) == (COUNT - 2, 0)
    # Only the stage itself is retried; its readers follow when they are run.
    run_stages(tmp_path, _stages(), ["images"], progress=False, retry=True)
    after = run_stages(tmp_path, _stages(), progress=False)
    whole = run_stages(tmp_path / "whole", _stages(), progress=False)
    for name in ("images", "blendshapes"):
        assert after[name]["content_hash"] == whole[name]["content_hash"]
    faces = [row["faces"] for row in RowStore(tmp_path, "assemble").rows(("faces",))]
    assert len(faces) == COUNT and all(face["image_key"] for both in faces for face in both)
    assert (after["images"]["retries"], "retrying" in after["images"]) == (1, False)
