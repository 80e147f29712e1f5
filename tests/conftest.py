"""What every test may rely on: the repository's own code, no outside services, one thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONG = (
    "integration", "faces", "app", "models", "tracking", "config", "studio", "dataset_builder", "backbones",
    "evaluation", "exporters",
)  # fmt: skip
# The package, and what the tests of several parts use.
sys.path[:0] = [
    str(ROOT),
    *(str(ROOT / "tests" / part) for part in ("models", "data", "backbones", "evaluation", "integration")),
]
# Set before any library reads them; a test that is about them sets its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["WANDB_MODE"] = "offline"


@pytest.fixture(scope="session")
def new_cache(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes cache folders that are empty but for the light rigs, which all tests of a session share: to
    reduce the head takes seconds."""
    rigs = _of_all_workers(tmp_path_factory) / "rigs"
    rigs.mkdir(exist_ok=True)

    def made() -> Path:
        folder = tmp_path_factory.mktemp("emo3d_cache")
        (folder / "rigs").symlink_to(rigs, target_is_directory=True)
        return folder

    return made


@pytest.fixture(scope="session")
def warm_cache(new_cache: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all who do not mind what others have put there."""
    folder = _of_all_workers(tmp_path_factory) / "warm_cache"
    with suppress(FileExistsError):
        folder.symlink_to(new_cache(), target_is_directory=True)
    return folder


def _of_all_workers(factory: pytest.TempPathFactory) -> Path:
    """The session's folder for temporary files."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture
def cache(new_cache: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, for this process and those it starts."""
    folder = new_cache()
    monkeypatch.setenv("EMO3D_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference data beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no reference data: {folder} is not there")
    return folder


@pytest.fixture(scope="session")
def released_files(shared: Path) -> Path:
    """Folder of the checkpoints that the paper's authors released."""
    return shared / "data" / "emo3d_released"


@pytest.fixture
def one_thread() -> None:
    """Torch on one thread: small matrices, and sums in one order."""
    import torch

    torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first: with ``--dist loadfile`` short ones then fill the gaps at the end."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.parent.name, len(LONG)))
