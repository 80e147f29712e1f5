"""What begins with an underscore stays in its module."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "emo3d_exp"


def imported_privately(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("emo3d_exp"):
            found += [f"{node.module}.{name.name}" for name in node.names if name.name.startswith("_")]
    return found


def test_no_module_imports_a_private_name_of_another() -> None:
    assert imported_privately("def f():\n    from emo3d_exp.runs import _a, b") == ["emo3d_exp.runs._a"]
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 100
    found = {
        str(file.relative_to(PACKAGE)): names
        for file in files
        if (names := imported_privately(file.read_text(encoding="utf-8")))
    }
    assert found == {}
