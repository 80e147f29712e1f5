"""Text encoders of the transformers library."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.backbones.encoder import (
    Encoder,
    checked_name,
    chosen_device,
    encode_in_batches,
    fingerprint_of,
    require_texts,
)
from emo3d_exp.backbones.pooling import checked_pooling, pooled_embedding
from emo3d_exp.backbones.tokens import TokenRows, end_to_end, in_file
from emo3d_exp.backbones.tuning import Tuning
from emo3d_exp.backbones.weights import MINILM, MINILM_OFFLINE, TEXT_OFFLINE, ModelFiles, read_json
from emo3d_exp.errors import ConfigError, WeightsUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn
    from transformers import PreTrainedTokenizerBase

    from emo3d_exp.backbones.text_tower import TextTower

CONFIG = "config.json"
TOKENISED = 1 << 16  # texts at a time, of those that are not in memory
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
TOKENIZER = ("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "*.model")
ROBERTAS = {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl"}
WIDTH_KEYS = ("hidden_size", "d_model", "dim", "n_embd")


def transformers_files(
    backbone: str, model: str, revision: str = "main", sha256: str | None = None
) -> ModelFiles:
    """Where the files of a transformers model are, or would come from."""
    offline = MINILM_OFFLINE if model == MINILM else TEXT_OFFLINE
    return ModelFiles(backbone, model, CONFIG, WEIGHTS, TOKENIZER, offline, revision, sha256)


class TransformersEncoder(Encoder):
    """Pooled hidden states of a transformers model: text only.

    Args:
        name: of the backbone.
        model: hub id or local folder; must be given.
        pooling: ``mean`` over tokens, ``cls`` (first token's vector) or ``max``.
        normalize: scale each embedding to length 1.
        max_length: tokens kept of a text.
        batch_size: texts encoded at once.
        revision: branch, tag or commit on the hub.
        sha256: expected of the weight file, checked if given.
        device: a torch device, or ``auto``: the first GPU, else the CPU.
        trainable: whether the model is trained along with the head.
        tuning: what is trained of it, and how; None: the defaults of ``Tuning``.
    """

    modalities = frozenset({"text"})

    def __init__(
        self,
        name: str,
        model: str | None,
        pooling: str = "mean",
        normalize: bool = True,
        max_length: int = 256,
        batch_size: int = 64,
        revision: str = "main",
        sha256: str | None = None,
        device: str = "auto",
        trainable: bool = False,
        tuning: Tuning | None = None,
    ) -> None:
        self.name = checked_name(name)
        if not model:
            raise ConfigError(f"backbone {name}: set backbone.model=… to a hub id or a local folder")
        self.trainable, self.tuning = trainable, tuning or Tuning()
        if not trainable and (self.tuning.last_layers or self.tuning.lora_rank):
            raise ConfigError("backbone.tuning has no effect without backbone.trainable=true")
        self.pooling = checked_pooling(pooling)
        self.normalize = normalize
        self.max_length = max_length
        self.batch_size = batch_size
        self.device = device
        self.files = transformers_files(name, model, revision, sha256)

    def check(self) -> None:
        """See ``Encoder.check``."""
        self.files.check()

    @cached_property
    def dim(self) -> int:
        """Width of the embeddings, from the model's configuration file."""
        config = read_json(self.files.folder / CONFIG)
        for key in WIDTH_KEYS:
            if key in config:
                return int(config[key])
        raise ConfigError(f"backbone {self.name}: {CONFIG} has none of {', '.join(WIDTH_KEYS)}")

    @cached_property
    def fingerprint(self) -> str:
        """See ``Encoder``; fetches weights that are not on this machine yet."""
        how = {"pooling": self.pooling, "normalize": self.normalize, "max_length": self.max_length}
        return fingerprint_of(self.name, {**self.files.identity(), **how})

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's tokenizer."""
        return load_tokenizer(self.files.folder, self.max_length, self.name)

    @cached_property
    def module(self) -> nn.Module:
        """The transformers model in float32, in evaluation mode, on its device."""
        return load_module(self.files.folder, self.name).to(chosen_device(self.device)).eval()

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of N texts: (N, D) float32."""
        require_texts(texts)
        return encode_in_batches(texts, self.batch_size, self.dim, self._encode, by_length=True)

    def _encode(self, texts: list[str]) -> np.ndarray:
        import torch

        batch = self.tokenizer(
            texts, padding=True, truncation=True, max_length=self.max_length, return_tensors="pt"
        ).to(self.module.device)
        with torch.inference_mode():
            return pooled_embedding(self.module, batch, self.pooling, self.normalize).cpu().numpy()

    def token_rows(self, texts: Sequence[str]) -> TokenRows:
        """What a tower reads of N texts: each distinct one is tokenised once. Of texts that are not in
        memory, such as those of a mapped table, the tokens go into a file too.
        """
        require_texts(texts)
        padding = int(self.tokenizer.pad_token_id), self.tokenizer.padding_side == "left"
        if not isinstance(texts, list | tuple):
            starts = range(0, len(texts), TOKENISED)
            ids = in_file(end_to_end(self._token_ids(texts[start : start + TOKENISED])) for start in starts)
            return TokenRows(ids, np.arange(len(texts)), *padding)
        distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        rows = np.array([distinct[text] for text in texts], dtype=np.int64)
        return TokenRows(self._token_ids(list(distinct)), rows, *padding)

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        cut = {"truncation": True, "max_length": self.max_length}
        return self.tokenizer(list(texts), **cut)["input_ids"] if texts else []

    def text_tower(self) -> TextTower | None:
        """See ``Encoder.text_tower``; a model of its own, apart from the one that ``encode_texts`` uses."""
        if not self.trainable:
            return None
        from emo3d_exp.backbones.text_tower import TextTower

        module = load_module(self.files.folder, self.name)
        return TextTower(module, self.pooling, self.normalize, self.tuning)


def load_tokenizer(folder: Path, max_length: int, backbone: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder. Raises ConfigError where the model reads fewer tokens than asked."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    most = min(tokenizer.model_max_length, positions(read_json(folder / CONFIG)))
    if max_length > most:
        raise ConfigError(f"backbone.max_length={max_length}: {backbone} reads at most {most} tokens")
    return tokenizer


def positions(config: dict[str, Any]) -> float:
    """Tokens that a model has position embeddings for; infinity where its configuration does not say."""
    most = config.get("max_position_embeddings")
    if most is None or most < 1:
        return math.inf
    # RoBERTa counts positions from the one after its padding's.
    return most - (config.get("pad_token_id", 1) + 1 if config.get("model_type") in ROBERTAS else 0)


def load_module(folder: Path, backbone: str) -> nn.Module:
    """The model of a folder in float32. Raises WeightsUnavailableError if any of its tensors is missing
    in the weight files (the unused pooler excepted): transformers itself fills them with noise."""
    from transformers import AutoModel

    with quiet_transformers():
        module, report = AutoModel.from_pretrained(
            str(folder), local_files_only=True, output_loading_info=True
        )
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise WeightsUnavailableError(
            f"backbone {backbone}: the weights in {folder} lack {len(missing)} tensors, first {missing[0]}"
        )
    return module.float()


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence loading bars and reports about tensors that are not used."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
