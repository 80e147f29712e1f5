"""``python -m emo3d_exp.sync``: what waits is uploaded, once, in order, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from stub_wandb_server import Keeping, Refusing, serve

from emo3d_exp.app import syncing
from emo3d_exp.app.syncing import find_waiting, upload
from emo3d_exp.sync import main
from emo3d_exp.tracking import WandbTracker
from emo3d_exp.tracking.wandb_faults import cure
from emo3d_exp.tracking.wandb_parts import part_moment, upload_command

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.usefixtures("no_wandb_settings")]

LOCK = threading.Lock()
LATER = 1000.0
"""Seconds after which nothing is taken for a run that goes on."""


class KeepingMany(Keeping):
    """A page for each run id."""

    def _page(self, run_id: str) -> None:
        new: dict[str, Any] = {"id": None, "job_type": None, "history": [], "summary": {}}
        self.server.page = self.server.__dict__.setdefault("pages", {}).setdefault(run_id, new)

    def _keep(self, files: dict[str, Any]) -> None:
        with LOCK:
            self._page(re.findall(r"/([^/]+)/file_stream", self.path)[0])
            super()._keep(files)

    def _query(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        with LOCK:
            self._page(str(given.get("name")))
            return super()._query(operation, given)


class Failing(KeepingMany):
    """Refuses the run whose name is the server's ``refused``."""

    def _query(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("name") == self.server.refused:
            raise ConnectionError
        return super()._query(operation, given)


def track(run_dir: Path, value: float, run_id: str | None = None) -> str:
    tracker = WandbTracker(mode="offline")
    tracker.start(run_dir, {"seed": 1}, "a name", None, [], "train", run_id)
    tracker._run.log({"val/mse": value, "epoch": 0})
    tracker.summary({f"test/{value}": value})
    tracker.finish(0)
    wait_for_end(run_dir)
    return str(tracker.run_id)


def wait_for_end(run_dir: Path) -> None:
    """W&B's service writes the last record after ``finish``; it ends with the program at the latest."""
    for _ in range(100):
        if not find_waiting([str(run_dir)], time.time()).left:
            return
        time.sleep(0.1)
    raise AssertionError(f"no end in {run_dir}")


def use(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)


@pytest.fixture
def outputs(tmp_path: Path) -> tuple[Path, list[str]]:
    """A run in two parts, one whose writer was killed, and one more."""
    folder = tmp_path / "out puts"
    ids = [track(folder / "two", 1.0)]
    time.sleep(1.1)  # the folders of W&B's parts are named by the second
    track(folder / "two", 2.0, ids[0])
    ids += [track(folder / "cut", 3.0), track(folder / "deep" / "whole", 4.0)]
    (file,) = (folder / "cut").glob("wandb/offline-run-*/run-*.wandb")
    file.write_bytes(file.read_bytes()[:-20])
    os.utime(file, (time.time() - LATER,) * 2)
    return folder, ids


def test_all_that_waits_is_uploaded_once_and_in_order(
    outputs: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, (two, cut, whole) = outputs
    folder = folder.rename(folder.with_name("moved"))
    with pytest.raises(SystemExit) as ended:
        main([f"{folder}/**", "dry=true"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.count("would upload") == 4
    assert not list(folder.rglob("*.synced"))
    with serve(KeepingMany) as server:
        use(monkeypatch, server.server_port)
        with pytest.raises(SystemExit) as ended:
            main([str(folder)])
        assert ended.value.code == 0
        assert "4 parts uploaded, 0 left" in capsys.readouterr().out
        pages = dict(server.pages)
        assert [row["val/mse"] for row in pages[two]["history"]] == [1.0, 2.0]
        assert {"test/1.0", "test/2.0"} <= pages[two]["summary"].keys()
        assert [row["val/mse"] for row in pages[cut]["history"]] == [3.0]
        assert pages[whole]["summary"]["test/4.0"] == 4.0
        with pytest.raises(SystemExit):
            main([str(folder)])
        assert "0 parts of 0 runs wait, 4 are uploaded already" in capsys.readouterr().out
        assert [row["val/mse"] for row in server.pages[two]["history"]] == [1.0, 2.0]


def test_a_part_from_the_future_is_not_taken_for_one_that_goes_on(tmp_path: Path) -> None:
    """The clock was set back after its writer was killed."""
    track(tmp_path, 1.0)
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    file.write_bytes(file.read_bytes()[:-20])
    assert not find_waiting([str(tmp_path)], time.time()).runs
    os.utime(file, (time.time() + LATER,) * 2)
    assert find_waiting([str(tmp_path)], time.time()).runs == [[file]]


def test_a_killed_part_that_another_has_followed_goes_along_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = track(tmp_path, 1.0)
    (killed,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    killed.write_bytes(killed.read_bytes()[:-20])
    track(tmp_path, 2.0, run_id)
    (run,) = find_waiting([str(tmp_path)], time.time()).runs
    assert len(run) == 2 and run[0] == killed
    monkeypatch.setattr(syncing, "open_files", lambda: {str(killed)})
    assert find_waiting([str(tmp_path)], time.time()).left[0].endswith("give this again later")


def test_one_failure_does_not_stop_the_others_and_is_told(
    outputs: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, (two, cut, whole) = outputs
    waiting = find_waiting([str(folder)], time.time())
    with serve(Failing) as server:
        server.refused = whole
        use(monkeypatch, server.server_port)
        left = list(upload(waiting.runs, limit_s=8))
        assert [part.stem for part, _ in left] == [f"run-{whole}"]
        assert {two, cut} <= server.pages.keys()
        assert "check" in left[0][1] or "try again" in left[0][1]
        server.refused = "nothing any more"  # None is the name of requests without one
        again = find_waiting([str(folder)], time.time())
        assert [[part.stem for part in run] for run in again.runs] == [[f"run-{whole}"]]
        assert list(upload(again.runs, limit_s=60)) == []
        assert server.pages[whole]["history"]


@pytest.mark.parametrize(("status", "told"), [(401, "check the key"), (404, "check tracking.entity")])
def test_a_refusal_leaves_everything_and_names_the_cure(
    status: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    track(tmp_path / "a", 1.0)
    with serve(Refusing, status) as server:
        use(monkeypatch, server.server_port)
        with pytest.raises(SystemExit) as ended:
            main([str(tmp_path)])
    said = capsys.readouterr().out
    assert ended.value.code == 1 and told in said and "the same command goes on" in said
    assert not list(tmp_path.rglob("*.synced"))


def test_a_silent_server_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    track(tmp_path / "a", 1.0)
    with serve(Refusing, 0) as server:
        use(monkeypatch, server.server_port)
        ((_, reason),) = upload(find_waiting([str(tmp_path)], time.time()).runs, limit_s=3)
    assert "no answer" in reason and "check the network" in reason


def test_what_is_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [track(tmp_path / name, 1.0) for name in "abc"]
    monkeypatch.setattr(syncing, "AT_ONCE", 1)
    with serve(KeepingMany) as server:
        use(monkeypatch, server.server_port)
        left = upload(find_waiting([str(tmp_path)], time.time()).runs[:1], limit_s=60)
        assert list(left) == []
        waiting = find_waiting([str(tmp_path)], time.time())
        assert (waiting.uploaded, len(waiting.runs)) == (1, 2)
        assert list(upload(waiting.runs, limit_s=60)) == []
        assert server.pages.keys() >= set(ids)
        assert all(len(server.pages[run_id]["history"]) == 1 for run_id in ids)


def test_a_run_that_goes_on_and_one_uploaded_already_are_left_alone(tmp_path: Path) -> None:
    tracker = WandbTracker(mode="offline")
    tracker.start(tmp_path / "a", {}, "n", None, [], "train", None)
    try:
        found = find_waiting([str(tmp_path)], time.time())
        assert (found.runs, len(found.left)) == ([], 1) and "still write" in found.left[0]
    finally:
        tracker.finish(0)
    wait_for_end(tmp_path)
    (run,) = find_waiting([str(tmp_path)], time.time()).runs
    run[0].with_name(f"{run[0].name}.synced").touch()
    assert find_waiting([str(tmp_path)], time.time()).uploaded == 1


def test_what_grows_after_its_upload_is_uploaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch of a training elsewhere was so long that its part seemed to be left by a killed one."""
    track(tmp_path, 1.0)
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    whole, mark = file.read_bytes(), file.with_name(f"{file.name}.synced")
    marked: list[bool] = []

    def say_cut_short(parts: list[Path], limit_s: float) -> str:
        marked.append(mark.exists())
        return f"ERROR Failed to read {parts[0].parent}: {syncing.CUT_SHORT}"

    def waiting() -> list[list[Path]]:
        for times in ((1.0, 2.0), (2.0, 1.0)):  # copies, the part or its mark first
            for path, moment in zip((file, mark), times, strict=True):
                if path.exists():
                    os.utime(path, (moment, moment))
            found = find_waiting([str(tmp_path)], time.time()).runs
        return found

    monkeypatch.setattr(syncing, "_upload", say_cut_short)
    for size in (len(whole) // 2, len(whole)):
        file.write_bytes(whole[:size])
        assert waiting() == [[file]]
        assert ("--include-synced" in str(upload_command([file]))) == mark.exists()
        assert list(upload(waiting(), 1.0)) == []
        assert waiting() == []
    assert marked == [False, False]  # W&B skips what has a mark
    mark.write_text("")  # W&B's own
    assert waiting() == []
    file.write_bytes(whole[: len(whole) // 2])
    assert waiting() == []


def test_an_open_part_is_left_alone_however_quiet_it_is_and_an_empty_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = WandbTracker(mode="offline")
    tracker.start(tmp_path, {}, "n", None, [], "train", None)
    try:
        (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
        os.utime(file, (time.time() - LATER,) * 2)
        found = find_waiting([str(tmp_path)], time.time())
        assert found.runs == [] and "may still write" in found.left[0]
        monkeypatch.setattr(syncing, "open_files", set)
        found = find_waiting([str(tmp_path)], time.time())
        assert found.runs == [] and "nothing is in it" in found.left[0]
    finally:
        tracker.finish(0)
    assert "damaged" in cure('Failed to read "a": transactionlog: error getting next record: EOF')


def test_without_a_key_one_line_says_so_and_nothing_is_asked(tmp_path: Path) -> None:
    track(tmp_path, 1.0)
    command = [sys.executable, "-m", "emo3d_exp.sync", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "error: there is no W&B key: set WANDB_API_KEY, or give the command: wandb login\n"
    assert done.stdout == "", "nothing that reads like an upload"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "no such folder"),
        (["dry=true"], "say which"),
        (["a", "dry=maybe"], "dry=true"),
        (["x=1"], "valid"),
    ],
)
def test_arguments_that_cannot_be(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and told in capsys.readouterr().err


def test_parts_of_one_second_go_in_their_order(tmp_path: Path) -> None:
    names = ["20260131_120000-a-1", "20260131_120000-a-1-1", "20260131_120000-a-1-10", "20260131_120001-a-1"]
    parts = [tmp_path / f"offline-run-{name}" / "run-a-1.wandb" for name in names]
    assert sorted(reversed(parts), key=part_moment) == parts
