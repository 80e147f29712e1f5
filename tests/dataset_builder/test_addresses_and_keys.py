"""Who is sent a key, and which addresses are refused because they hold a secret."""

import asyncio
import logging

import pytest
from llm_build import PRICES, chat, texts
from stub_chat_server import serve

from emo3d_exp.dataset_builder import EndpointImages, FolderImages, OpenAIChat, sending
from emo3d_exp.dataset_builder.endpoint_client import OPENAI_ADDRESS, check_address
from emo3d_exp.dataset_builder.sending import NoAnswerError, Sender, SpoiledAnswerError
from emo3d_exp.dataset_builder.spending import Budget, Ledger
from emo3d_exp.errors import ConfigError

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("address", "named", "sent"),
    [
        (OPENAI_ADDRESS, None, "OPENAI_API_KEY"),
        (OPENAI_ADDRESS + "/", None, "OPENAI_API_KEY"),
        (OPENAI_ADDRESS, "MINE", "MINE"),
        ("http://api.openai.com/v1", None, None),
        ("https://api.openai.com.elsewhere.org/v1", None, None),
        ("http://localhost:8000/v1", None, None),
        ("http://localhost:8000/v1", "MINE", "MINE"),
    ],
)
def test_openais_key_is_sent_to_openai_alone(address, named, sent):
    model = OpenAIChat("m", address, key_variable=named, **PRICES)
    assert model.key_variable == sent
    assert EndpointImages("m", base_url=address, key_variable=named).endpoint.key_variable == sent


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_server_that_is_sent_no_key_and_wants_one_is_told_how(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with serve(key=SECRET) as server:
        stage = texts(server.url, 2, "cache", model=chat(server.url))
        with pytest.raises(ConfigError, match=r"HTTP 401.*no key was sent.*key_variable=") as refused:
            asyncio.run(_asked(stage))
    assert SECRET not in str(refused.value)


async def _asked(stage):
    from emo3d_exp.dataset_builder.llm.chat_model import Request

    async with stage.model.opened() as ask:
        await ask(Request(({"role": "user", "content": "?"},), "Form", {}, None, 10, 1))


SECRETS = [
    "https://h/faces?sig=s3cr3t",
    "https://h/faces#s3cr3t",
    "https://s3cr3t@h/faces",
    "zip://::https://u:s3cr3t@h/f.zip",
    "zip://*.png::simplecache::https://h/f.zip?sig=s3cr3t",
    "s3://K:s3cr3t@b/x",
    "abfs://c@acc.dfs/x?sas=s3cr3t",
    "https://[s3cr3t@h/x",
]


@pytest.mark.parametrize("address", SECRETS)
def test_an_address_that_holds_a_secret_is_refused_and_not_repeated(address):
    for settings in ({"root": address}, {"root": "faces", "mapping": address}):
        with pytest.raises(ConfigError, match=rf"builder\.images\.{list(settings)[-1]} holds") as refused:
            FolderImages(**settings)
        assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["s3://bucket/x", "abfs://box@acc.dfs/x", "zip://::/a#b?.zip", "file:///a#b?c", "/a?b#c@d:e"]
)
def test_addresses_without_a_secret_and_odd_paths_pass(address):
    assert FolderImages(address).parameters()["root"] == address


def test_an_endpoints_address_may_not_hold_a_fragment():
    with pytest.raises(ConfigError, match="fragment") as refused:
        check_address(f"https://h/v1#tok={SECRET}")
    assert SECRET not in str(refused.value)


def _sent(tmp_path, monkeypatch, error):
    """What comes of a request whose first attempt fails, and the pauses made."""
    waited, failures = [], [error]

    async def sleep(seconds):
        waited.append(seconds)

    async def send(call):
        if failures:
            raise failures.pop()
        return "answer"

    monkeypatch.setattr(sending.asyncio, "sleep", sleep)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        sender = Sender("painter", Budget(ledger, "p", None, None), 1, 3)
        return asyncio.run(sender.answered(send, 0.1)), waited


@pytest.mark.parametrize("kind", ["refused", "spoiled"])
def test_a_server_that_wants_a_long_pause_is_waited_for_audibly_or_not_at_all(
    tmp_path, monkeypatch, caplog, kind
):
    def error(seconds):
        made = {"again": True, "pause": seconds}
        return NoAnswerError("busy", **made) if kind == "refused" else SpoiledAnswerError("no", "", **made)

    caplog.set_level(logging.WARNING, "emo3d_exp")
    assert _sent(tmp_path, monkeypatch, error(5.0)) == ("answer", [5.0]) and not caplog.messages
    assert _sent(tmp_path, monkeypatch, error(100.0)) == ("answer", [100.0])
    assert caplog.messages == ["painter says to wait 100 s before the next attempt"]
    with pytest.raises(NoAnswerError, match=r"attempts: 1; it says to wait 86400 s, which is too long"):
        _sent(tmp_path, monkeypatch, error(86400.0))
