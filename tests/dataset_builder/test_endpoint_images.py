import re
import threading

import pytest
from build_beginnings import SomeEmotions, SomeTexts, input_row, picture
from stub_image_server import serve_images

from emo3d_exp.dataset_builder import EndpointImages, RowStore, run_stages
from emo3d_exp.dataset_builder.paid_images import Budget, BudgetSpentError
from emo3d_exp.errors import ConfigError, DataError

pytestmark = pytest.mark.enable_socket


def _stage(server, **settings):
    settings = {"price": 0.5, "retries": 2, "concurrency": 2} | settings
    return EndpointImages("painter", base_url=server.url, **settings)


def _made(stage, samples=(3,)):
    return stage.process([input_row(sample) for sample in samples])


@pytest.mark.parametrize("as_url", [False, True])
def test_pictures_are_asked_for_text_by_text_and_paid_once(as_url):
    with serve_images(as_url=as_url) as server:
        first = _made(_stage(server, faces=3, quality="hd"))
        assert [image["text_number"] for image in first[0]["images"]] == [1, 2, 1]
        assert (first[0]["calls"], first[0]["cost"], first[0]["set_aside"]) == (3, 1.5, None)
        asked = {request["prompt"]: request for request in server.asked}
        prompt = next(each for each in asked if "text 2 of sample 3" in each)
        assert "a person (young)" in prompt and "strong happiness, slight surprise" in prompt
        assert {"model": "painter", "quality": "hd", "size": "1024x1024", "n": 1}.items() <= asked[
            prompt
        ].items()
        assert first[0]["images"][1]["image"] == picture(len(prompt))
        assert _made(_stage(server, faces=3, quality="hd")) == first
        assert len(server.asked) == 3


def test_faults_are_asked_again_and_counted():
    with serve_images([429, 500, "empty", "text"]) as server:
        row = _made(_stage(server, concurrency=1, retries=3))[0]
    # 2 refusals cost nothing, 2 malformed answers and the good one do
    assert row["images"][0]["reason"] is None and row["images"][0]["image"]
    assert (row["calls"], row["cost"]) == (5, 1.5)


@pytest.mark.parametrize(
    ("fault", "reason", "calls", "cost"),
    [
        (400, "the endpoint answers 400: .*fault 400", 1, 0.0),
        (503, "the endpoint answers 503", 3, 0.0),
        ("hang up", "no answer: ", 3, 0.0),
        ("cut", "a malformed answer", 3, 1.5),
    ],
)
def test_what_fails_for_good_is_set_aside_and_can_be_tried_again(fault, reason, calls, cost):
    with serve_images([fault] * calls) as server:
        row = _made(_stage(server))[0]
        assert (row["calls"], row["cost"]) == (calls, cost)
        assert row["images"][0]["image"] is None
        assert re.match("no image: " + reason, row["set_aside"])
        assert _made(_stage(server))[0]["set_aside"] is None


def test_a_wrong_key_or_model_stops_the_run(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret")
    with serve_images([401]) as server:
        with pytest.raises(ConfigError, match=r"refuses all requests: 401 .*key in SOME_KEY"):
            _made(_stage(server, api_key_variable="SOME_KEY"))
        assert server.keys == ["Bearer secret"]
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="set the environment variable OPENAI_API_KEY"):
        _made(EndpointImages("painter"))


def test_the_budget_stops_a_build_which_goes_on_with_a_larger_one(tmp_path):
    beginning = [SomeTexts(5), SomeEmotions()]
    with serve_images() as server:
        with pytest.raises(DataError, match=r"3 calls for \$1\.50 in this run"):
            run_stages(tmp_path, [*beginning, _stage(server, max_cost=1.5)], progress=False)
        assert len(server.asked) == 3
        stage = _stage(server, max_calls=2)
        inputs = [input_row(sample) for sample in range(5)]
        assert (stage.estimate(inputs).calls, stage.estimate(inputs).cost) == (2, 1.0)
        assert stage.estimate([{"sample_id": 0}]).calls == 1
        manifest = run_stages(tmp_path, [*beginning, stage], progress=False)["images"]
        assert len(server.asked) == 5
    assert (manifest["rows"], manifest["calls"], manifest["cost"]) == (5, 5, 2.5)
    assert all(row["images"][0]["image"] for row in RowStore(tmp_path, "images").rows(["images"]))


def test_pictures_that_cannot_be_used_are_kept_with_the_reason():
    with serve_images() as server:
        row = _made(_stage(server, min_size=200))[0]
    assert row["images"] == [
        {"image": None, "key": None, "text_number": 1, "reason": "too small: 80 x 80 pixels, below 200"}
    ]
    assert row["set_aside"] == "no image: too small: 80 x 80 pixels, below 200" and row["cost"] == 0.5


def test_threads_do_not_spend_more_than_there_is():
    budget, refused = Budget(50, None), []

    def spend():
        for _ in range(20):
            try:
                budget.reserve(0.1)
            except BudgetSpentError:
                refused.append(1)

    threads = [threading.Thread(target=spend) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (budget.calls, len(refused)) == (50, 50)


@pytest.mark.parametrize(
    "settings", [{"faces": 5}, {"faces": 0}, {"concurrency": 0}, {"template": "nowhere.txt"}]
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(ConfigError, match=r"builder\.images"):
        EndpointImages("painter", **settings)


def test_a_template_of_ones_own(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("$text for $$5\n")
    with serve_images() as server:
        _made(_stage(server, template=str(file)))
        assert server.asked[0]["prompt"] == "text 1 of sample 3 for $5"
    file.write_text("$text and $mood")
    with pytest.raises(ConfigError, match=r"\$text, \$emotions, \$person"):
        EndpointImages("painter", template=str(file))
