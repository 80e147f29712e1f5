"""An OpenAI-compatible image endpoint on this machine that can be told to misbehave."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from build_beginnings import picture

LARGE = 200_000
"""Bytes; more than any picture here."""


class ImageServer(ThreadingHTTPServer):
    """``faults``, for the first requests: a status, or ``text``, ``empty``, ``cut``, ``large``, ``hang up``.
    ``download_faults``, for the first downloads, are a status, the address of a redirect, or ``large`` (so it
    announces itself), ``endless``, ``short`` (less than announced), ``text``. ``slow``: seconds for each.
    ``fetched``: prompts of the pictures whose download has begun.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self, faults: list[int | str], as_url: bool, download_faults: list[int | str], slow: float
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.faults, self.as_url, self.lock = list(faults), as_url, threading.Lock()
        self.download_faults, self.slow = list(download_faults), slow
        self.asked: list[dict] = []
        self.keys: list[str] = []
        self.accounts: list[str | None] = []
        self.downloads = 0
        self.fetched: set[str] = set()
        self.open = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def times_asked(self) -> Counter[str]:
        """Prompt → requests."""
        with self.lock:
            return Counter(request["prompt"] for request in self.asked)

    def handle_error(self, *arguments: object) -> None:
        """A client that hangs up is nothing to report."""


class _Answering(BaseHTTPRequestHandler):
    server: ImageServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append(asked)
            self.server.keys.append(self.headers["Authorization"])
            self.server.accounts.append(self.headers["OpenAI-Organization"])
            self.server.open += 1
            fault = self.server.faults.pop(0) if self.server.faults else None
        time.sleep(self.server.slow)
        with self.server.lock:
            self.server.open -= 1
        if fault == "hang up":
            self.connection.close()
        elif isinstance(fault, int):
            error = {"error": {"message": f"fault {fault}", "code": "some_code"}}
            self._answer(json.dumps(error).encode(), fault)
        else:
            self._answer(
                {
                    "text": b"not json",
                    "empty": b'{"data": []}',
                    "cut": b'{"data": [{"b6',
                    "large": b'{"data": [{"b64_json": "' + b"A" * LARGE + b'"}]}',
                }.get(fault, self._good(asked))
            )

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.downloads += 1
            self.server.fetched.add(self.server.asked[int(self.path.split("/")[-2])]["prompt"])
            fault = self.server.download_faults.pop(0) if self.server.download_faults else None
        time.sleep(self.server.slow)
        content = picture(int(self.path.rpartition("/")[2]))
        if isinstance(fault, int):
            self._answer(b"no", fault)
        elif fault is None or fault == "text":
            self._answer(content if fault is None else b"<html>come back later</html>")
        elif fault in ("large", "short"):
            self._answer(content[:1000], length=LARGE if fault == "large" else len(content))
        elif fault == "endless":
            self.send_response(200)
            self.end_headers()
            for _ in range(LARGE // 1000):
                self.wfile.write(bytes(1000))
        else:
            self.send_response(302)
            self.send_header("Location", fault)
            self.end_headers()

    def _good(self, asked: dict) -> bytes:
        number = len(asked["prompt"])
        image = {"b64_json": base64.b64encode(picture(number)).decode()}
        if self.server.as_url:
            image = {"url": f"{self.server.url}/files/{self.server.asked.index(asked)}/{number}"}
        return json.dumps({"created": 1, "data": [image]}).encode()

    def _answer(self, body: bytes, status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serve_images(
    faults: list[int | str] = (),
    as_url: bool = False,
    download_faults: list[int | str] = (),
    slow: float = 0.0,
) -> Iterator[ImageServer]:
    server = ImageServer(list(faults), as_url, list(download_faults), slow)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
