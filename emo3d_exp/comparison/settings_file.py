"""The config of a run, read ten times as fast as by OmegaConf, to the same values."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emo3d_exp.comparison.run import Plain, flat
from emo3d_exp.errors import DataError

FLOAT = re.compile(
    r"""^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
    |\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
"""As in OmegaConf, for which 1e-4 is a number; for plain YAML 1.1 it is a text."""


def read_settings(file: Path) -> dict[str, Plain]:
    """The settings of a run by dotted key.

    Raises:
        DataError: the file cannot be read, or holds no settings of a training.
    """
    import yaml

    try:
        values = yaml.load(file.read_text(encoding="utf-8"), _loader())
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{file}: damaged ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(values, Mapping) or not isinstance(values.get("model"), Mapping):
        raise DataError(f"{file}: no training (it has no model)")
    return flat(values)


@functools.cache
def _loader() -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """Without dates, as OmegaConf's."""

    left_out = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float")
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag not in left_out]
        for first, known in Loader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))
    return Loader
