import re

import pytest
from build_beginnings import SomeEmotions, SomeTexts, input_row, picture
from image_build import stage as _stage
from stub_image_server import LARGE, serve_images

from emo3d_exp.dataset_builder import EndpointImages, RowStore, run_stages, sending
from emo3d_exp.dataset_builder.paid_images import Bought, ImageShelf
from emo3d_exp.errors import ConfigError, StoppedError

pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(sending, "FIRST_PAUSE", 0.005)


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
        row = _made(_stage(server, concurrency=1, retries=4))[0]
    # 2 refusals are nothing, 2 malformed answers and the good one count and cost
    assert row["images"][0]["reason"] is None and row["images"][0]["image"]
    assert (row["calls"], row["cost"]) == (3, 1.5)


@pytest.mark.parametrize(
    ("fault", "reason", "asked", "answered"),
    [
        (400, "HTTP 400: .*fault 400", 1, 0),
        (503, r"HTTP 503: .*\(attempts: 3\)", 3, 0),
        ("hang up", "the connection failed with ", 3, 0),
        ("cut", "a malformed answer: JSONDecodeError", 3, 3),
        ("large", "it is too large: more than 150000 bytes", 1, 1),
    ],
)
def test_what_fails_for_good_is_set_aside_and_can_be_tried_again(fault, reason, asked, answered):
    with serve_images([fault] * asked) as server:
        row = _made(_stage(server, max_bytes=150_000))[0]
        assert len(server.asked) == asked
        assert (row["calls"], row["cost"]) == (answered, 0.5 * answered)
        assert row["images"][0]["image"] is None
        assert re.match("no image: no answer: " + reason, row["set_aside"])
        again = _made(_stage(server))[0]
    assert (again["set_aside"], again["calls"], again["cost"]) == (None, answered + 1, 0.5 * (answered + 1))


def test_a_wrong_key_or_model_stops_the_run(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret")
    with serve_images([401]) as server:
        with pytest.raises(ConfigError, match=r"refuses model painter \(HTTP 401: .*key in SOME_KEY"):
            _made(_stage(server, key_variable="SOME_KEY"))
        assert server.keys == ["Bearer secret"]
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="environment variable OPENAI_API_KEY is not set"):
        _made(EndpointImages("painter"))


def test_a_key_is_sent_to_no_address_that_it_was_not_named_for(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "for-openai-alone")
    monkeypatch.setenv("OPENAI_ORG_ID", "my-account")
    with serve_images() as server:
        _made(_stage(server))
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert EndpointImages("painter").endpoint.client().base_url.host == "api.openai.com"
        _made(_stage(server, key_variable="OPENAI_API_KEY"), samples=(4,))
        assert server.keys == ["Bearer none", "Bearer for-openai-alone"]
        assert server.accounts == [None, None]


def test_the_budget_counts_all_runs_of_a_build_which_goes_on_with_a_larger_one(tmp_path):
    beginning = [SomeTexts(5), SomeEmotions()]
    with serve_images() as server:
        for _ in range(2):  # also when it is run again
            with pytest.raises(StoppedError, match=r"max_cost=1.5 is reached: 3 calls for \$1\.50"):
                run_stages(tmp_path, [*beginning, _stage(server, max_cost=1.5)], progress=False)
            assert len(server.asked) == 3
        with pytest.raises(StoppedError, match=r"max_calls=4 is reached: 4 calls for \$2\.0"):
            run_stages(tmp_path, [*beginning, _stage(server, max_calls=4)], progress=False)
        stage = _stage(server, max_calls=5)
        inputs = [input_row(sample) for sample in range(5)]
        assert (stage.estimate(inputs).calls, stage.estimate(inputs).cost) == (1, 0.5)
        assert stage.estimate([{"sample_id": 0}]).calls == 1
        manifest = run_stages(tmp_path, [*beginning, stage], progress=False)["images"]
        assert len(server.asked) == 5
        # Another build has limits of its own, and finds what was paid for.
        other = run_stages(tmp_path / "other", [SomeTexts(6), SomeEmotions(), stage], progress=False)[
            "images"
        ]
        assert len(server.asked) == 6
    assert (manifest["rows"], manifest["calls"], manifest["cost"]) == (5, 5, 2.5)
    assert (other["rows"], other["calls"], other["cost"]) == (6, 6, 3.0)
    assert all(row["images"][0]["image"] for row in RowStore(tmp_path, "images").rows(["images"]))


@pytest.mark.parametrize("fault", [503, "cut", "hang up"])
def test_every_attempt_counts_towards_the_limit(fault, tmp_path):
    with serve_images([fault] * 50) as server:
        with pytest.raises(StoppedError, match="max_calls=7 is reached: 7 calls"):
            _made(_stage(server, max_calls=7, retries=1, concurrency=3), samples=range(8))
        assert len(server.asked) == 7


def test_an_endpoint_that_is_down_stops_the_build():
    with serve_images([503] * 50) as server:
        with pytest.raises(StoppedError, match="painter gave no answer to 10 questions in a row"):
            _made(_stage(server, retries=0), samples=range(30))
        assert len(server.asked) in (10, 11)


# Pictures that are answered as addresses


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (500, "HTTP 500"),
        ("large", f"too large: {LARGE} bytes, above 150000"),
        ("endless", "too large: more than 150000 bytes"),
        ("short", r"cut off after 1000 of \d+ bytes"),
        ("text", "no image: neither JPEG"),
        ("ftp://127.0.0.1/1", "unknown url type: ftp"),
        ("file:///etc/hostname", r"HTTP 302 .*not allowed"),
    ],
)
def test_a_download_that_fails_is_repeated_and_not_paid_again(fault, reason):
    with serve_images(as_url=True, download_faults=[fault] * 3) as server:
        row = _made(_stage(server, max_bytes=150_000))[0]
        assert (row["calls"], row["cost"], server.downloads) == (1, 0.5, 3)
        assert re.search(f"cannot be fetched .*{reason}.*retry=true fetches it again", row["set_aside"])
        again = _made(_stage(server, max_bytes=150_000))[0]
        assert (again["set_aside"], again["calls"], again["cost"]) == (None, 1, 0.5)
        assert (len(server.asked), server.downloads) == (1, 4)


def test_a_fault_of_a_download_passes():
    with serve_images(as_url=True, download_faults=[500, "short"]) as server:
        assert _made(_stage(server))[0]["set_aside"] is None
        assert (len(server.asked), server.downloads) == (1, 3)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_address_that_has_expired_is_bought_again_on_demand_alone(status):
    with serve_images(as_url=True, download_faults=[status]) as server:
        first = _made(_stage(server))[0]
        assert f"has expired (HTTP {status}" in first["set_aside"]
        assert first["set_aside"].endswith("retry=true buys it again") and first["calls"] == 1
        told = _made(_stage(server))[0]
        assert "has expired" in told["set_aside"] and (len(server.asked), server.downloads) == (1, 1)
        inputs = [input_row(3)]
        assert [_stage(server, ask_again=again).estimate(inputs).calls for again in (False, True)] == [0, 1]
        again = _made(_stage(server, ask_again=True))[0]
        assert (again["set_aside"], again["calls"], again["cost"]) == (None, 2, 1.0)
        assert _made(_stage(server, ask_again=True))[0] == again and len(server.asked) == 2


def test_an_address_that_is_none_is_not_opened(tmp_path):
    stage, row = EndpointImages("painter"), input_row(3)
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture(1))
    shelf = ImageShelf(stage.cache, stage.base_url)
    shelf.keep(shelf.file(stage._request(row, 0), 3, 0), Bought(calls=1, cost=0.5, address=secret.as_uri()))
    made = stage.process([row])[0]
    assert "neither http nor https" in made["set_aside"] and made["images"][0]["image"] is None


def test_pictures_that_cannot_be_used_are_kept_with_the_reason():
    with serve_images() as server:
        row = _made(_stage(server, min_size=200))[0]
    assert row["images"] == [
        {"image": None, "key": None, "text_number": 1, "reason": "too small: 80 x 80 pixels, below 200"}
    ]
    assert row["set_aside"] == "no image: too small: 80 x 80 pixels, below 200" and row["cost"] == 0.5


@pytest.mark.parametrize(
    "settings",
    [
        {"faces": 5},
        {"faces": 0},
        {"concurrency": 0},
        {"template": "nowhere.txt"},
        {"max_calls": -1},
        {"max_bytes": 0},
    ],
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
