"""Builds whose pictures are bought, and that are killed meanwhile."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import image_build
import pytest
from build_beginnings import input_row
from image_build import PRICE, built, rows, stage
from stub_image_server import ImageServer, serve_images

from emo3d_exp.dataset_builder.paid_images import ImageShelf

pytestmark = pytest.mark.enable_socket
SAMPLES, FACES, AT_ONCE = 24, 2, 4


def run_until(server: ImageServer, folder: Path, moment: int) -> None:
    """Begin or go on with the build, and kill it when so many pictures were asked for."""
    script = [sys.executable, image_build.__file__, str(folder), server.url, str(SAMPLES)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(script, env=environment)
    deadline = time.monotonic() + 60
    while len(server.asked) < moment:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    while server.open:
        time.sleep(0.002)


def answered(server: ImageServer, folder: Path) -> set[str]:
    """Prompts of the pictures whose answer lies on the shelf."""
    made = stage(server, faces=FACES, cache=str(folder / "cache"))
    shelf = ImageShelf(made.cache, made.base_url)
    found = set()
    for sample in range(SAMPLES):
        for face in range(FACES):
            request = made._request(input_row(sample), face)
            known = shelf.known(shelf.file(request, sample, face))
            if known.image or known.address:
                found.add(request["prompt"])
    return found


@pytest.mark.slow
def test_pictures_are_not_bought_twice_by_builds_that_are_killed(tmp_path):
    rng = random.Random(0)
    with serve_images(as_url=True, slow=0.01) as server:
        built(tmp_path / "whole", SAMPLES, stage(server, faces=FACES, cache=str(tmp_path / "own")))
        whole = len(server.asked)
        server.asked.clear()
        server.fetched.clear()
        folder, received = tmp_path / "killed", {}
        moments = sorted(rng.sample(range(1, whole - 2), 3))
        for moment in moments:
            run_until(server, folder, moment)
            times = server.times_asked()
            stored = answered(server, folder)
            assert server.fetched <= stored  # an answer is kept before its download begins
            for prompt in stored:
                received.setdefault(prompt, times[prompt])
        made = stage(server, faces=FACES, cache=str(folder / "cache"))
        manifest = built(folder / "build", SAMPLES, made)
        times = server.times_asked()
    assert received and all(times[prompt] == then for prompt, then in received.items())
    assert whole == SAMPLES * FACES <= sum(times.values()) <= whole + AT_ONCE * len(moments)
    assert rows(folder / "build") == rows(tmp_path / "whole")
    assert (manifest["calls"], manifest["cost"]) == (whole, PRICE * whole)
    with sqlite3.connect(folder / "cache" / "spending.sqlite") as ledger:
        calls, cost = ledger.execute("SELECT SUM(calls), SUM(cost) FROM spending").fetchone()
        open_, left = ledger.execute("SELECT COUNT(*), TOTAL(cost) FROM under_way").fetchone()
    # Every request that the server got was written down, and none is forgotten.
    assert sum(times.values()) <= calls + open_ <= sum(times.values()) + AT_ONCE * len(moments)
    assert cost + left == PRICE * (calls + open_)
