"""``filter="model.name == 'vae_clip' and loss.lambda_text > 0.3"``: which runs are compared.

The expression has Python's grammar and is walked, never run: names, numbers, texts, lists, comparisons,
``and``, ``or``, ``not``, ``in``. Metrics are written as they are called, ``test/emo3d < 0.65``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Sequence
from typing import Any

from emo3d_exp.comparison.naming import full_name, names_of
from emo3d_exp.comparison.run import Run
from emo3d_exp.errors import ConfigError

Test = Callable[[Run], Any]

COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
CONSTANTS = {"true": True, "false": False, "null": None}
"""YAML's words for Python's."""
LONG = 200
"""Signs of an expression that a message repeats."""
EXAMPLE = "filter=\"model.name == 'vae_clip' and test/emo3d < 0.65\""


def filtered(runs: Sequence[Run], expression: str) -> list[Run]:
    """The runs for which an expression holds. A comparison with what a run lacks does not hold, but ``!=``.

    Raises:
        ConfigError: the expression cannot be read, names what no run has, or compares what does not compare.
    """
    try:
        test = _Reader(expression, names_of(runs)).read(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        told = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ConfigError(f"filter={expression[:LONG]}: {told}; such as {EXAMPLE}") from error
    return [run for run in runs if test(run)]


class _Reader:
    """Turns the tree of an expression into a function of a run."""

    def __init__(self, expression: str, known: Collection[str]) -> None:
        self.source = f"filter={expression[:LONG]}"
        self.known = known

    def read(self, node: ast.expr) -> Test:
        if (name := self._name(node)) is not None:
            return self._read_name(name)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
            return lambda run, value=node.value: value
        if isinstance(node, ast.List | ast.Tuple):
            members = [self.read(member) for member in node.elts]
            return lambda run: [member(run) for member in members]
        if isinstance(node, ast.BoolOp):
            parts, join = [self.read(v) for v in node.values], all if isinstance(node.op, ast.And) else any
            return lambda run: join(part(run) for part in parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
            return self._read_sign(node)
        if isinstance(node, ast.Compare):
            return self._read_comparison(node)
        told = ast.unparse(node)
        raise ConfigError(
            f"{self.source}: '{told}' is not allowed: names, numbers, 'texts', lists, comparisons, and, or, "
            f"not, in; such as {EXAMPLE}"
        )

    def _read_name(self, name: str) -> Test:
        if name in CONSTANTS and name not in self.known:
            return lambda run: CONSTANTS[name]
        if name not in self.known and not {".", "/"} & set(name) and not self._ends(name):
            raise ConfigError(f"{self.source}: {self._unknown(name)}")
        key = full_name(name, self.known, self.source)
        return lambda run: run.value(key)

    def _ends(self, name: str) -> bool:
        return any(known.endswith((f".{name}", f"/{name}")) for known in self.known)

    def _unknown(self, name: str) -> str:
        try:
            full_name(name, self.known, "")
        except ConfigError as error:
            return f"{str(error).removeprefix(': ')}; a text has quotation marks: '{name}'"
        raise AssertionError(name)

    def _read_sign(self, node: ast.UnaryOp) -> Test:
        inner = self.read(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda run: not inner(run)
        if not isinstance(node.operand, ast.Constant) or not isinstance(node.operand.value, int | float):
            raise ConfigError(f"{self.source}: '{ast.unparse(node)}': a minus stands before numbers alone")
        return lambda run: -inner(run)

    def _read_comparison(self, node: ast.Compare) -> Test:
        values = [self.read(side) for side in (node.left, *node.comparators)]

        def holds(run: Run) -> bool:
            found = [value(run) for value in values]
            pairs = zip(node.ops, found[:-1], found[1:], strict=True)
            return all(self._compare(op, one, other) for op, one, other in pairs)

        return holds

    def _compare(self, op: ast.cmpop, one: Any, other: Any) -> bool:
        if (one is None or other is None) and not isinstance(op, ast.Eq | ast.NotEq | ast.Is | ast.IsNot):
            return isinstance(op, ast.NotIn)
        try:
            return bool(COMPARED[type(op)](one, other))
        except TypeError as error:
            raise ConfigError(f"{self.source}: {one!r} and {other!r} do not compare so") from error

    def _name(self, node: ast.expr) -> str | None:
        """``a``, ``a.b`` and ``a/b`` as they stand; None for anything else."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute):
            inner = self._name(node.value)
            return f"{inner}.{node.attr}" if inner is not None else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            sides = [self._name(side) for side in (node.left, node.right)]
            return "/".join(map(str, sides)) if None not in sides else None
        return None
