"""Imports point one way, and modules and functions stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "emo3d_exp"
MODULES = sorted(PACKAGE.rglob("*.py"))

LEVELS = (
    {"vocab"},
    {"records", "errors"},
    {"runs"},
    {"backbones", "checkpoints", "heads", "losses", "faces", "metrics", "augmentation"},
    {"data"},
    {"models"},
    {"evaluation", "dataset_builder", "exporters", "tracking", "comparison", "sweeping"},
    {"app"},
    {"predict", "export", "compare", "sync", "studio", "testing"},
)
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}
FORBIDDEN = {
    ("models", "data"): "models get tensors, they do not load data",
    ("evaluation", "models"): "the predictions file is the only door",
    ("metrics", "backbones"): "metrics get features",
    ("metrics", "faces"): "metrics get features",
}
"""Pairs that no other rule may ever allow."""

SAME_LEVEL: set[tuple[str, str]] = {("comparison", "evaluation")}
"""Pairs (importer, imported) within one level that are allowed."""


def part_of(module: Path) -> str | None:
    """``emo3d_exp/<part>/…`` or ``emo3d_exp/<part>.py``; None for the package's own ``__init__``."""
    inside = module.relative_to(PACKAGE).parts
    if inside == ("__init__.py",):
        return None
    return Path(inside[0]).stem


def imported_parts(module: Path) -> Iterator[tuple[int, str]]:
    """(line, part) for each import of this package, wherever it stands; imports for types alone too."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            names = [node.module or ""]
            if node.module == "emo3d_exp":
                names = [f"emo3d_exp.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("emo3d_exp."):
                yield node.lineno, name.split(".")[1]


def violations(modules: list[Path]) -> list[str]:
    found = []
    for module in modules:
        own = part_of(module)
        if own is None:
            continue
        for line, other in imported_parts(module):
            allowed = other == own or LEVEL[other] < LEVEL[own] or (own, other) in SAME_LEVEL
            if not allowed or (own, other) in FORBIDDEN:
                found.append(f"{module.relative_to(ROOT)}:{line}: {own} imports {other}")
    return found


def test_every_part_has_a_level() -> None:
    assert {part for module in MODULES if (part := part_of(module))} - {"assets"} <= LEVEL.keys()


def test_imports_point_one_way() -> None:
    assert violations(MODULES) == []


def test_an_import_upwards_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule itself: a module that breaks it is reported, also inside a function."""
    folder = tmp_path / "emo3d_exp" / "metrics"
    folder.mkdir(parents=True)
    (folder / "bad.py").write_text(
        "def f():\n    from emo3d_exp.faces import load_rig\n    return load_rig\n"
    )
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "emo3d_exp")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert violations([folder / "bad.py"]) == ["emo3d_exp/metrics/bad.py:2: metrics imports faces"]


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc"])
def test_modules_are_named_by_their_subject(name: str) -> None:
    assert not [m for m in MODULES if name in (m.stem, m.parent.name)]


def test_modules_are_short() -> None:
    lengths = {str(m.relative_to(ROOT)): len(m.read_text(encoding="utf-8").splitlines()) for m in MODULES}
    assert {name: count for name, count in lengths.items() if count > 250} == {}


def test_functions_are_short() -> None:
    long = {}
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > 40:
                    long[f"{module.relative_to(ROOT)}:{node.lineno} {node.name}"] = count
    assert long == {}


def test_instantiate_is_called_in_the_scripts_only() -> None:
    callers = {
        part_of(module)
        for module in MODULES
        if "hydra.utils import" in (source := module.read_text(encoding="utf-8")) and "instantiate" in source
    }
    assert "app" in callers
    assert callers <= {"app", "predict"}
