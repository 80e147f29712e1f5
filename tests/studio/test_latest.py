"""The worker that skips what was overtaken."""

from __future__ import annotations

import threading
import time

from emo3d_exp.studio.latest import Latest, VisitorLeft


def until(condition: object, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def test_only_the_newest_of_what_waits_is_done() -> None:
    done: list[int] = []
    started, go_on = threading.Event(), threading.Event()

    def work(item: int) -> None:
        started.set()
        go_on.wait(5)
        done.append(item)

    worker = Latest(work)
    worker.put(0)
    started.wait(5)
    for item in range(1, 6):
        worker.put(item)
    assert worker.newer(0)
    go_on.set()
    until(lambda: len(done) == 2)
    assert not worker.newer(0.05)
    worker.close(wait=5)
    assert done == [0, 5]


def test_typing_costs_one_call_after_a_pause() -> None:
    done: list[str] = []
    worker = Latest(done.append, quiet=0.2)
    for end in range(1, 6):
        worker.put("smile"[:end])
    until(lambda: done)
    worker.close(wait=5)
    assert done == ["smile"]


def test_an_error_does_not_end_the_worker_and_a_visitor_who_left_does() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == 0:
            raise RuntimeError("no")
        if item == 2:
            raise VisitorLeft
        done.append(item)

    worker = Latest(work)
    worker.put(0)
    until(lambda: not worker.newer(0))
    worker.put(1)
    until(lambda: done)
    worker.put(2)
    until(lambda: not worker.alive)
    assert done == [1]


def test_errors_go_to_whom_they_concern() -> None:
    told: list[Exception] = []
    worker = Latest(lambda item: 1 // item, failed=told.append)
    worker.put(0)
    until(lambda: told)
    worker.close(wait=5)
    assert isinstance(told[0], ZeroDivisionError)


def test_closing_drops_what_waits() -> None:
    done: list[int] = []
    worker = Latest(done.append, quiet=30)
    worker.put(1)
    worker.close(wait=5)
    worker.put(2)
    assert not worker.alive and done == []
