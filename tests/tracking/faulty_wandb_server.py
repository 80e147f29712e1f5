"""A stand-in for W&B's server that behaves for a while, and then fails in one of many ways."""

from __future__ import annotations

import socket
import struct
import threading
import time

from stub_wandb_server import Keeping

HUGE = 8 << 20
"""Bytes of an answer that is far too long."""
COUNTING = threading.Lock()


class Faulty(Keeping):
    """From request ``server.after`` on (0: from the first), each is answered by ``server.fault``.

    A number is an HTTP status; else the name of a method below, ``_<fault>``.
    """

    def do_POST(self) -> None:
        with COUNTING:
            self.server.count = getattr(self.server, "count", 0) + 1
            faulty = self.server.count > self.server.after
        if faulty and self.server.fault == "slow":  # late, but well
            time.sleep(0.2)
        if not faulty or self.server.fault == "slow":
            return super().do_POST() if self.command == "POST" else super().do_PUT()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.fault.isdigit():
            return self._whole(b'{"error": "no"}', int(self.server.fault))
        getattr(self, f"_{self.server.fault}")()

    do_GET = do_PUT = do_POST

    def _whole(self, body: bytes, status: int = 200, kind: str = "application/json", **more: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _silence(self) -> None:
        self.server.released.wait(60)
        self.close_connection = True

    def _half(self) -> None:
        self._whole(b'{"data": {"upser', **{"Content-Length": "4000"})
        self.close_connection = True

    def _malformed(self) -> None:
        self._whole(b'{"data": {not json at all')

    def _empty(self) -> None:
        self._whole(b"")

    def _nothing(self) -> None:
        self._whole(b'{"data": null}')

    def _list(self) -> None:
        self._whole(b"[1, 2, 3]")

    def _portal(self) -> None:
        self._whole(b"<html>please log in to this network</html>", kind="text/html")

    def _trickle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4000")
        self.end_headers()
        for _ in range(40):
            self.wfile.write(b" ")
            self.wfile.flush()
            if self.server.released.wait(0.25):
                break
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _hang_up(self) -> None:
        self.close_connection = True

    def _redirect(self) -> None:
        self._whole(b"", 302, Location=self.path)

    def _elsewhere(self) -> None:
        self._whole(b"", 307, Location=f"http://127.0.0.1:1{self.path}")

    def _huge(self) -> None:
        self._whole(b" " * HUGE)

    def _garbage(self) -> None:
        self.wfile.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 what is this\r\n\r\n")
        self.close_connection = True

    def _dies(self) -> None:
        self.server.server_close()
        self.close_connection = True
