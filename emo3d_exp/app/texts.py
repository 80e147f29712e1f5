"""Texts as they stand on a command line."""

from __future__ import annotations


def read_texts(value: str) -> list[str]:
    """The texts of a YAML list; anything else is one text as it stands, whatever signs are in it."""
    import yaml

    try:
        # The base loader leaves words such as "no" and numbers what they are here: texts.
        read = yaml.load(value, yaml.BaseLoader) if value.startswith("[") else None
    except yaml.YAMLError:
        read = None
    if isinstance(read, list) and all(isinstance(text, str) for text in read):
        return read
    return [value] if value else []
