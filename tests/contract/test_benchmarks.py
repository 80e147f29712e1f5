"""Parts of the benchmarks that nothing else would notice to be broken."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = sorted((Path(__file__).resolve().parents[2] / "benchmarks").glob("*.py"))


def load(name: str) -> ModuleType:
    file = next(file for file in BENCHMARKS if file.stem == name)
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", file)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(file.parent), *sys.path])
        patch.setitem(sys.modules, spec.name, module)  # where dataclasses look for their types
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [file.stem for file in BENCHMARKS])
def test_it_loads_and_says_how_to_run_it(name: str) -> None:
    module = load(name)
    assert not hasattr(module, "main") or f"python benchmarks/{name}.py" in module.__doc__


@pytest.mark.parametrize("gather_bytes", [None, 0])
def test_the_memory_benchmark_goes_over_every_pair_once(tmp_path: Path, gather_bytes: int | None) -> None:
    options = argparse.Namespace(
        folder=str(tmp_path), texts=6, images=9, pairs=15, dim=8, batch_size=4, way="path"
    )
    batches = list(load("memory").as_batches(options, gather_bytes))
    assert sum(len(batch["text"]) for batch in batches) == 15
    assert batches[0]["text"].shape == (4, 8) and batches[0]["blendshapes"].shape == (4, 52)
