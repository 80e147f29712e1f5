"""Fetching the pinned files, from a server on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ict_checkout import Checkout

from emo3d_exp.errors import WeightsUnavailableError
from emo3d_exp.faces import load_ict_faces
from emo3d_exp.faces.ict import model
from emo3d_exp.faces.ict.fetch import Manifest, fetch, public_manifest
from emo3d_exp.faces.ict.topology import EXPRESSIONS, NEUTRAL

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


class Files(BaseHTTPRequestHandler):
    """Serves ``server.files``, with ranges if ``server.ranges``, at most ``server.cut`` bytes at a time."""

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, self.headers.get("Range")))
        data = self.server.files.get(self.path.rpartition("/")[2])
        if data is None:
            self.send_error(404)
            return
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if self.server.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[start : start + self.server.cut])

    do_HEAD = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    serving.files, serving.asked, serving.ranges, serving.cut = {}, [], True, 1 << 30
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield serving
    serving.shutdown()
    serving.server_close()
    thread.join()


def manifest_of(server: ThreadingHTTPServer, files: dict[str, bytes]) -> Manifest:
    server.files = dict(files)
    facts = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    return Manifest(f"http://127.0.0.1:{server.server_port}/some/FaceXModel", facts)


def gets(server: ThreadingHTTPServer) -> list[tuple[str, str | None]]:
    return [(path.rpartition("/")[2], part) for command, path, part in server.asked if command == "GET"]


def test_a_fetched_checkout_becomes_a_rig_and_is_not_fetched_again(server, cache, monkeypatch):
    made = Checkout(identities=1)
    files = {f"{stem}.obj": made.obj(stem) for stem in made.positions}
    manifest = manifest_of(server, files)
    monkeypatch.setattr(model, "public_manifest", lambda: manifest)
    fetched = load_ict_faces(None, made.topology)
    assert sorted(gets(server)) == sorted((name, None) for name in files)
    server.asked.clear()
    assert load_ict_faces(None, made.topology).rig().fingerprint == fetched.rig().fingerprint
    assert server.asked == [] and len(fetched.identities) == 1


def partial_of(folder: Path, name: str) -> Path:
    return folder / "FaceXModel" / f"{name}.partial"


def test_an_interrupted_download_is_continued(server, cache):
    data = bytes(range(256)) * 40
    manifest = manifest_of(server, {"a.obj": data})
    server.cut = 5000
    with pytest.raises(WeightsUnavailableError, match=r"a\.obj.*5000 of 10240 bytes; run again"):
        fetch(manifest)
    server.cut = 1 << 30
    folder = fetch(manifest)
    assert (folder / "FaceXModel" / "a.obj").read_bytes() == data
    assert gets(server) == [("a.obj", None), ("a.obj", "bytes=5000-")]
    assert not partial_of(folder, "a.obj").exists()


def test_a_server_without_ranges_starts_over(server, cache):
    data = b"0123456789" * 100
    manifest = manifest_of(server, {"a.obj": data})
    server.cut, server.ranges = 300, False
    with pytest.raises(WeightsUnavailableError):
        fetch(manifest)
    server.cut = 1 << 30
    assert (fetch(manifest) / "FaceXModel" / "a.obj").read_bytes() == data


@pytest.mark.parametrize("served", [b"other", b"rig", b"right and more"])
def test_other_content_is_refused_and_not_kept(served, server, cache):
    manifest = manifest_of(server, {"a.obj": b"right"})
    server.files["a.obj"] = served
    with pytest.raises(WeightsUnavailableError, match=r"a\.obj is not on this machine.*cannot be fetched"):
        fetch(manifest)
    server.files["a.obj"] = b"right"
    assert (fetch(manifest) / "FaceXModel" / "a.obj").read_bytes() == b"right"


def test_files_that_are_there_are_not_asked_for(server, cache):
    manifest = manifest_of(server, {"a.obj": b"a" * 10, "b.obj": b"b" * 20})
    folder = fetch(manifest)
    (folder / "FaceXModel" / "b.obj").unlink()
    server.asked.clear()
    assert fetch(manifest) == folder and gets(server) == [("b.obj", None)]


def test_a_cached_file_of_the_right_size_but_other_bytes_is_fetched_again(server, cache):
    manifest = manifest_of(server, {"a.obj": b"right", "b.obj": b"b" * 20})
    folder = fetch(manifest)
    (folder / "FaceXModel" / "a.obj").write_bytes(b"wrong")
    server.asked.clear()
    assert (fetch(manifest) / "FaceXModel" / "a.obj").read_bytes() == b"right"
    assert gets(server) == [("a.obj", None)]


@pytest.mark.parametrize("line", [b"no HTTP at all\r\n\r\n", b""])
def test_an_answer_that_is_no_http_is_told_in_one_line(line, server, cache, monkeypatch):
    manifest = manifest_of(server, {"a.obj": b"right"})

    def answer(handler: Files) -> None:
        if handler.command == "GET":
            handler.wfile.write(line)
        else:
            Files.do_HEAD(handler)

    monkeypatch.setattr(Files, "do_GET", answer)
    with pytest.raises(WeightsUnavailableError, match=r"a\.obj is not on this machine.*cannot be fetched"):
        fetch(manifest)


def test_a_missing_file_names_itself_and_its_address(server, cache):
    manifest = manifest_of(server, {"a.obj": b"a", "b.obj": b"b"})
    server.files.clear()
    message = r"FaceXModel/a\.obj \(and 1 more files\).*some/FaceXModel/a\.obj cannot be fetched.*404"
    with pytest.raises(WeightsUnavailableError, match=message):
        fetch(manifest)


def test_the_public_list_pins_the_light_model():
    manifest = public_manifest()
    expected = {f"{stem}.obj" for stem in (NEUTRAL, *EXPRESSIONS)} | {f"identity00{k}.obj" for k in range(8)}
    assert set(manifest.files) == expected
    assert manifest.address.startswith("https://raw.githubusercontent.com/USC-ICT/ICT-FaceKit/")
    assert all(size > 2_000_000 and len(sha256) == 64 for size, sha256 in manifest.files.values())
