"""What a validation found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from emo3d_exp.errors import DataError

SEVERITIES = ("error", "warning", "note")
EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One kind of thing that stands out.

    Attributes:
        check: what was looked at. severity: ``"error"`` (results would be wrong), ``"warning"`` (look at it)
            or ``"note"``. count: of cases. what: in words. examples: the first few cases.
    """

    check: str
    severity: str
    count: int
    what: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Validation:
    """Findings about a data set, the gravest first.

    Attributes:
        name: of the data set. counts: samples, texts, faces and so on.
    """

    name: str
    counts: Mapping[str, int]
    findings: Sequence[Finding] = field(default_factory=tuple)

    def of(self, severity: str) -> list[Finding]:
        """The findings of one severity."""
        return [finding for finding in self.findings if finding.severity == severity]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        totals = {severity: len(self.of(severity)) for severity in SEVERITIES}
        findings = [asdict(finding) | {"examples": list(finding.examples)} for finding in self.findings]
        return {
            "schema": 1,
            "data": self.name,
            "counts": dict(self.counts),
            "totals": totals,
            "findings": findings,
        }

    def raise_for_errors(self) -> None:
        """Raise DataError where there are errors, so that a script ends with a status other than 0."""
        if errors := self.of("error"):
            told = "; ".join(f"{each.check}: {each.count} × {each.what}" for each in errors)
            raise DataError(f"data={self.name} has {len(errors)} error{'s' * (len(errors) > 1)}: {told}")


def found(check: str, severity: str, what: str, cases: Iterable[object]) -> list[Finding]:
    """A finding of the cases, none where there are none."""
    listed = list(cases)
    examples = tuple(str(case) for case in listed[:EXAMPLES])
    return [Finding(check, severity, len(listed), what, examples)] if listed else []


def excerpt(text: str, length: int = 60) -> str:
    """The beginning of a text, in quotes."""
    return f'"{text if len(text) <= length else text[: length - 1] + "…"}"'
