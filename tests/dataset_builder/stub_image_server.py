"""An OpenAI-compatible image endpoint on this machine that can be told to misbehave."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from build_beginnings import picture


class ImageServer(ThreadingHTTPServer):
    """``faults``, for the first requests, are a status, or ``text``, ``empty``, ``cut``, ``hang up``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, faults: list[int | str], as_url: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.faults, self.as_url, self.lock = list(faults), as_url, threading.Lock()
        self.asked: list[dict] = []
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *arguments: object) -> None:
        """A client that hangs up is nothing to report."""


class _Answering(BaseHTTPRequestHandler):
    server: ImageServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append(asked)
            self.server.keys.append(self.headers["Authorization"])
            fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "hang up":
            self.connection.close()
        elif isinstance(fault, int):
            error = {"error": {"message": f"fault {fault}", "code": "some_code"}}
            self._answer(json.dumps(error).encode(), fault)
        else:
            self._answer({"text": b"not json", "empty": b'{"data": []}', "cut": b'{"data": [{"b6'}.get(
                fault, self._good(asked)
            ))  # fmt: skip

    def do_GET(self) -> None:
        self._answer(picture(int(self.path.rpartition("/")[2])))

    def _good(self, asked: dict) -> bytes:
        number = len(asked["prompt"])
        image = {"b64_json": base64.b64encode(picture(number)).decode()}
        if self.server.as_url:
            image = {"url": f"{self.server.url}/files/{number}"}
        return json.dumps({"created": 1, "data": [image]}).encode()

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serve_images(faults: list[int | str] = (), as_url: bool = False) -> Iterator[ImageServer]:
    server = ImageServer(list(faults), as_url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
