"""Commands of a session share one cache: data and embeddings are made once. Those about an empty one take
``new_cache``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import server


@pytest.fixture
def cache(warm_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of all tests here, for this process and those it starts."""
    monkeypatch.setenv("EMO3D_CACHE", str(warm_cache))
    return warm_cache


@pytest.fixture(scope="module")
def quick_start() -> Iterator[None]:
    """Processes that begin with the libraries loaded."""
    from emo3d_exp.app import processes

    server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "START", "forkserver")
        yield
