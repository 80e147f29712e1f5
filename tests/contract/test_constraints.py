"""The versions of `constraints.txt` can stand together: pip refuses to install anything otherwise."""

from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


def _pins() -> dict[str, str]:
    lines = [line for line in CONSTRAINTS.read_text().splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def _requirements(package: str) -> list[Requirement]:
    try:
        declared = [Requirement(text) for text in requires(package) or []]
    except PackageNotFoundError:
        return []
    return [one for one in declared if one.marker is None or one.marker.evaluate({"extra": ""})]


def test_every_pin_is_a_version_that_the_others_accept():
    pins = _pins()
    refused = [
        f"{package} wants {requirement}, constraints.txt has {pins[name]}"
        for package in (*pins, "emo3d_exp")
        for requirement in _requirements(package)
        if (name := canonicalize_name(requirement.name)) in pins
        and not requirement.specifier.contains(pins[name], prereleases=True)
    ]
    assert len(pins) > 50
    assert not refused
