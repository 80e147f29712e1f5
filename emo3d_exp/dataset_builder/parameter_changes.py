"""Which parameters of a stage are others now, in few words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LENGTH, BEFORE, MOST = 60, 15, 8
"""Characters of a value that are shown, of them before the place where two long ones part; keys shown."""


def told_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """``size: 64 → 128, model.name: "a" → "b"`` for two nested dicts of plain values; empty where they are
    the same. Long values are cut to where they part."""
    one, other = _flat(before), _flat(now)
    keys = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
    told = [f"{key}: {' → '.join(_cut(one.get(key, 'not set'), other.get(key, 'not set')))}" for key in keys]
    more = f" and {len(told) - MOST} more" if len(told) > MOST else ""
    return ", ".join(told[:MOST]) + more


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Dotted key → value as JSON, on one line."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return flat


def _cut(one: str, other: str) -> tuple[str, str]:
    if max(len(one), len(other)) <= LENGTH:
        return one, other
    pairs = enumerate(zip(one, other, strict=False))
    parting = next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
    start = max(0, parting - BEFORE) if parting > LENGTH // 2 else 0
    return _part(one, start), _part(other, start)


def _part(value: str, start: int) -> str:
    end = start + LENGTH
    return f"{'…' if start else ''}{value[start:end]}{'…' if len(value) > end else ''}"
