"""What a result was made with: code, versions, vocabulary."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from emo3d_exp.vocab import VOCABULARY_HASH

PACKAGES = (
    "emo3d_exp",
    "hydra-core",
    "numpy",
    "torch",
    "pytorch-lightning",
    "torchmetrics",
    "transformers",
    "open_clip_torch",
    "timm",
    "mediapipe",
    "opencv-contrib-python",
    "wandb",
)


def _git(*arguments: str) -> str | None:
    folder = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def git_state() -> dict[str, Any]:
    """Commit of the source tree and whether it has changes; both None outside a checkout of this package,
    such as in an environment that lies inside another project's repository."""
    tracked = _git("ls-files", "--error-unmatch", "--", str(Path(__file__).resolve())) is not None
    commit = _git("rev-parse", "HEAD") if tracked else None
    return {"commit": commit, "changed": bool(_git("status", "--porcelain")) if commit else None}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _plugin_versions() -> dict[str, str]:
    """Of the installed packages that add to this one by entry points."""
    groups = (group for group in metadata.entry_points().groups if group.startswith("emo3d_exp."))
    packages = [entry.dist for group in groups for entry in metadata.entry_points(group=group)]
    # of a damaged installation name and version may be None
    return {str(each.name): str(each.version) for each in packages if each is not None and each.name}


def provenance() -> dict[str, Any]:
    """Plain values for ``provenance.json``. Imports none of the packages that it names."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "git": git_state(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": {package: _version(package) for package in PACKAGES} | _plugin_versions(),
        "vocabulary": VOCABULARY_HASH,
    }
