"""Things that are loaded once: nobody waits for what somebody else loads."""

from __future__ import annotations

import threading

import pytest

from emo3d_exp.studio.models import LoadedOnce


def test_a_slow_load_holds_up_only_those_who_want_the_same() -> None:
    things = LoadedOnce({"there": "already"})
    begun, go_on, got = threading.Event(), threading.Event(), list[str]()
    loads: list[str] = []

    def slowly() -> str:
        loads.append("slow")
        begun.set()
        assert go_on.wait(10)
        return "slow thing"

    waiting = [threading.Thread(target=lambda: got.append(things.get("slow", slowly))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    assert begun.wait(10)
    assert things.get("there", lambda: "never") == "already"
    assert things.get("other", lambda: "quick thing") == "quick thing"
    assert got == []
    go_on.set()
    for thread in waiting:
        thread.join(10)
    assert got == ["slow thing"] * 3 and loads == ["slow"]


def test_what_failed_is_tried_again() -> None:
    things: LoadedOnce[str, str] = LoadedOnce({})

    def fail() -> str:
        raise OSError("offline")

    with pytest.raises(OSError, match="offline"):
        things.get("rig", fail)
    assert things.get("rig", lambda: "there now") == "there now"
