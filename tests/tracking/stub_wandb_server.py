"""Servers that stand in for W&B on this machine: one that refuses, and one that keeps a run's page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Refusing(BaseHTTPRequestHandler):
    """Answers every request with the server's ``status``; hangs for status 0."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.status == 0:
            self.server.released.wait(60)
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_PUT = do_POST

    def log_message(self, *arguments: object) -> None:
        pass


class Keeping(Refusing):
    """Knows as much of W&B's API as a run without artifacts needs, and keeps what it is sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if "file_stream" in self.path:
            self._keep(content.get("files") or {})
            return self._answer({"exitcode": None, "limits": {}})
        if "graphql" not in self.path:
            return self._answer({}, status=404)
        return self._answer({"data": self._query(content["operationName"], content["variables"])})

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer({})

    def _keep(self, files: dict[str, Any]) -> None:
        page = self.server.page
        for name, part in files.items():
            if name == "wandb-history.jsonl":
                page["history"][part["offset"] :] = [json.loads(line) for line in part["content"]]
            elif name == "wandb-summary.json":
                page["summary"] = json.loads(part["content"][-1])

    def _query(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        page = self.server.page
        project = {"id": "p", "name": "emo3d", "entity": {"id": "e", "name": "me"}}
        if operation == "RunResumeStatus":
            return {"model": {**project, "bucket": self._resume_status() if page["id"] else None}}
        if operation == "UpsertBucket":
            created = page["id"] is None
            page["id"] = given["name"]
            page["job_type"] = given["jobType"] or page["job_type"]
            bucket = {"id": "b", "name": given["name"], "displayName": "n", "project": project}
            return {"upsertBucket": {"bucket": bucket, "inserted": created}}
        if operation == "CreateRunFiles":
            base = f"http://127.0.0.1:{self.server.server_port}"
            files = [{"name": name, "uploadUrl": f"{base}/{name}"} for name in given["files"]]
            return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}
        return {}

    def _resume_status(self) -> dict[str, Any]:
        page = self.server.page
        return {
            "name": page["id"],
            "displayName": "n",
            "summaryMetrics": json.dumps(page["summary"]),
            "historyLineCount": len(page["history"]),
            "eventsLineCount": 0,
            "logLineCount": 0,
            "historyTail": json.dumps([json.dumps(line) for line in page["history"][-1:]]),
            "eventsTail": "[]",
            "config": "{}",
            "tags": [],
            "wandbConfig": '{"t": 1}',
        }

    def _answer(self, content: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *arguments: object) -> None:
        """A client that hangs up is nothing to report."""


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler], status: int = 0) -> Iterator[QuietServer]:
    server = QuietServer(("127.0.0.1", 0), handler)
    server.status = status
    server.released = threading.Event()
    server.page = {"id": None, "job_type": None, "history": [], "summary": {}}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
