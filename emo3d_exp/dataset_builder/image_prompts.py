"""What an image model is asked for: a template file with the sample's text, emotions and person."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from emo3d_exp.dataset_builder.stage import Row
from emo3d_exp.errors import ConfigError
from emo3d_exp.vocab import EMOTIONS

KEYS = ("text", "emotions", "person")
LEAST = 0.1
"""Intensities below go unsaid."""
DEGREES = ((0.7, "strong"), (0.4, "moderate"), (0.0, "slight"))


def load_template(path: str | Path | None) -> str:
    """The text of a template file; None for the one that the package brings.

    Raises:
        ConfigError: no such file, not UTF-8, without ``$text``, or with an unknown key.
    """
    try:
        if path is None:
            content = files("emo3d_exp.dataset_builder").joinpath("prompts/image.txt").read_text("utf-8")
        else:
            content = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"builder.images.template={path} cannot be read: {error}") from error
    template = Template(content.strip())
    unknown = sorted(set(template.get_identifiers()) - set(KEYS))
    if unknown or not template.is_valid() or "text" not in template.get_identifiers():
        known = ", ".join(f"${key}" for key in KEYS)
        raise ConfigError(
            f"builder.images.template={path}: it needs $text and knows {known} alone; $$ is a $"
        )
    return template.template


def prompt(template: str, row: Row, text_number: int) -> str:
    """What is asked for one picture of a sample.

    Args:
        row: with ``texts``, ``emotions``, ``age``, ``gender``. text_number: of its texts, from 1.
    """
    return Template(template).substitute(
        text=row["texts"][text_number - 1],
        emotions=emotion_words(row["emotions"]),
        person=person_words(row.get("age"), row.get("gender")),
    )


def emotion_words(intensities: Sequence[float]) -> str:
    """Such as ``strong anger, slight fear``, the strongest first."""
    order = sorted(range(len(EMOTIONS)), key=lambda place: (-intensities[place], place))
    said = [place for place in order if intensities[place] >= LEAST] or order[:1]
    return ", ".join(f"{_degree(intensities[place])} {EMOTIONS[place]}" for place in said)


def _degree(intensity: float) -> str:
    return next(word for least, word in DEGREES if intensity >= least)


def person_words(age: str | None, gender: str | None) -> str:
    """Such as ``a person (young, female)``."""
    known = ", ".join(word for word in (age, gender) if word)
    return f"a person ({known})" if known else "a person"
