"""A server on this machine that answers chats as OpenAI's API does, from a few words of its own, with faults.

What it says, and whether and how it fails, follows from the hash of the request and from how often that
request came: so any two builds get the same answers.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
WORDS = (
    "the",
    "a",
    "brows",
    "lips",
    "eyes",
    "jaw",
    "rise",
    "fall",
    "tighten",
    "open",
    "softly",
    "while",
    "rain",
)
NO_ANSWER = ("429", "500", "503", "dropped", "hanging")
"""Faults that pass after one or two attempts. (After the last two the client waits half a second.)"""
BAD_ANSWER = ("malformed", "wrong", "truncated", "empty", "refused")
"""Answers that are paid for and cannot be used; the same request always gets the same."""
SPOILED = ("half", "page", "no choices")
"""Answers with status 200 that are no chat completion, to the first one or two attempts; not among the faults
unless they are named."""


@dataclass
class Ledger:
    """What a server did.

    Attributes:
        attempts: how often each request came, by its hash. paid: ids of the answers given, in order.
        request_of: id → hash of its request. faults: how often each was made.
        spoiled: answers that were no chat completion. most_at_once: open requests.
    """

    attempts: Counter[str] = field(default_factory=Counter)
    paid: list[str] = field(default_factory=list)
    request_of: dict[str, str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    spoiled: int = 0
    open: int = 0
    most_at_once: int = 0

    def paid_again(self) -> int:
        """Answers to a request that had already got one."""
        return len(self.paid) - len(set(self.request_of[each] for each in self.paid))


class StubServer(ThreadingHTTPServer):
    """See the module.

    Attributes:
        fault_rate: share of requests with a fault. slow: seconds for an answer. hanging: seconds, then none.
        stop_after: answers after which every connection is dropped. key: that it wants, None for any.
        spoiled_attempts: of a request with such a fault; None for one or two. tells_usage: of tokens.
        refuses: a word of the request body that it does not take (400). faults: the kinds it makes.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, **settings: Any) -> None:
        self.fault_rate, self.slow, self.hanging = 0.0, 0.0, 0.2
        self.stop_after: int | None = None
        self.key: str | None = None
        self.spoiled_attempts: int | None = None
        self.tells_usage = True
        self.refuses: str | None = None
        self.faults: tuple[str, ...] = (*NO_ANSWER, *BAD_ANSWER)
        for name, value in settings.items():
            assert hasattr(self, name), name
            setattr(self, name, value)
        self.lock, self.ledger = threading.Lock(), Ledger()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, address: Any) -> None:
        """A client that was killed, or gave up waiting, is no error."""


@contextmanager
def serve(**settings: Any) -> Iterator[StubServer]:
    server = StubServer(**settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: StubServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        digest = hashlib.sha256(body).hexdigest()
        with self.server.lock:
            ledger = self.server.ledger
            ledger.attempts[digest] += 1
            attempt = ledger.attempts[digest]
            ledger.open += 1
            ledger.most_at_once = max(ledger.open, ledger.most_at_once)
            stopped = self.server.stop_after is not None and len(ledger.paid) >= self.server.stop_after
        try:
            if stopped:
                self._drop(b"")
            else:
                self._respond(json.loads(body), digest, attempt)
        finally:
            with self.server.lock:
                ledger.open -= 1

    def _respond(self, asked: dict[str, Any], digest: str, attempt: int) -> None:
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.server.key is not None and key != self.server.key:
            return self._send(401, {"error": {"message": f"Incorrect API key provided: {key}"}})
        if self.server.refuses is not None and self.server.refuses in asked:
            return self._send(400, {"error": {"message": f"unknown field {self.server.refuses}"}})
        rng = random.Random(digest)
        fault = rng.choice(self.server.faults) if rng.random() < self.server.fault_rate else None
        if fault in NO_ANSWER and attempt > (rng.choice((1, 2)) if fault.isdigit() else 1):
            fault = None
        if fault in SPOILED and attempt > (self.server.spoiled_attempts or rng.choice((1, 2))):
            fault = None
        with self.server.lock:
            self.server.ledger.faults[fault or "none"] += 1
        time.sleep(self.server.slow * 2 * rng.random())
        if fault in NO_ANSWER:
            return self._fail(fault)
        if fault in SPOILED:
            return self._spoil(fault)
        self._answer(asked, digest, attempt, fault, rng)

    def _fail(self, fault: str) -> None:
        if fault == "dropped":
            return self._drop(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
            )
        if fault == "hanging":
            time.sleep(self.server.hanging)
            return self._drop(b"")
        self._send(int(fault), {"error": {"message": "try again"}}, {"retry-after-ms": "20"})

    def _spoil(self, fault: str) -> None:
        with self.server.lock:
            self.server.ledger.spoiled += 1
        body = {"half": '{"id": "1", "choi', "page": "<html>busy</html>", "no choices": '{"error": "busy"}'}[
            fault
        ]
        self._send(200, body, {"retry-after-ms": "20"})

    def _drop(self, begun: bytes) -> None:
        self.wfile.write(begun)
        self.close_connection = True

    def _answer(
        self, asked: dict[str, Any], digest: str, attempt: int, fault: str | None, rng: random.Random
    ) -> None:
        said = json.dumps(_content(asked, rng))
        ended, refusal = "stop", None
        if fault == "malformed":
            said = "Gladly! " + said.replace('"', "'")
        elif fault == "wrong":
            said = json.dumps({"texts": ["one only"], "fear": 7})
        elif fault == "truncated":
            said, ended = said[: len(said) // 2], "length"
        elif fault == "empty":
            said = ""
        elif fault == "refused":
            said, refusal = "", "I would rather not."
        elif rng.random() < 0.3:
            said = f"Here it is:\n```json\n{said}\n```"
        number = f"answer-{digest[:20]}-{attempt}"
        with self.server.lock:
            self.server.ledger.paid.append(number)
            self.server.ledger.request_of[number] = digest
        message = {"role": "assistant", "content": said, "refusal": refusal}
        usage = {"prompt_tokens": 200, "completion_tokens": 50, "total_tokens": 250}
        self._send(
            200,
            {
                "id": number,
                "object": "chat.completion",
                "created": 0,
                "model": asked["model"],
                "choices": [{"index": 0, "finish_reason": ended, "message": message}],
                **({"usage": usage} if self.server.tells_usage else {}),
            },
        )

    def _send(
        self, status: int, content: dict[str, Any] | str, headers: dict[str, str] | None = None
    ) -> None:
        body = (content if isinstance(content, str) else json.dumps(content)).encode()
        head = {"Content-Type": "application/json", "Content-Length": len(body), **(headers or {})}
        lines = [f"HTTP/1.1 {status} Because", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)

    def log_message(self, *arguments: object) -> None:
        pass


def _content(asked: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    prompt = asked["messages"][0]["content"]
    if '{"texts"' in prompt:
        count = prompt.rpartition('{"texts"')[2].count("\u2026")
        return {"texts": [" ".join([f"person{i}", *rng.choices(WORDS, k=9)]) for i in range(count)]}
    return {emotion: round(0.01 + 0.99 * rng.random(), 2) for emotion in EMOTIONS}
