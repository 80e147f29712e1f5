"""Language models on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from emo3d_exp.dataset_builder.llm.chat_model import Answer, Ask, ChatModel, NoAnswerError, Request
from emo3d_exp.errors import ConfigError, WeightsUnavailableError

DEVICES = "auto, cpu, cuda or cuda:N"
_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_COMPANIONS = ("*.json", "*.model", "*.txt", "*.jinja")


class HuggingFaceChat(ChatModel):
    """A causal language model of the transformers library, one question at a time, at no price.

    The form of the answer is asked for in the prompt alone. For tens of thousands of texts, serve the model
    with vLLM, which answers many at once, and use :class:`OpenAIChat`.
    """

    def __init__(self, model: str | None, revision: str = "main", device: str = "auto") -> None:
        """
        Args:
            model: hub id or local folder; must be given.
            revision: branch, tag or commit on the hub.
            device: auto (the first GPU, else the CPU), cpu, cuda or cuda:N.

        Raises:
            ConfigError: there is no model.
        """
        if not model:
            raise ConfigError("the language model has no name: set model=… to a hub id or a local folder")
        if device not in ("auto", "cpu") and device.split(":")[0] != "cuda":
            raise ConfigError(f"model {model}: device={device}: choose {DEVICES}")
        self.model, self.revision, self.device = model, revision, device

    def __getstate__(self) -> dict[str, Any]:
        # Every process loads the weights itself.
        return {key: value for key, value in self.__dict__.items() if key != "_loaded"}

    def identity(self) -> dict[str, Any]:
        return {"model": self.model, "revision": self.revision}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Ask]:
        async def ask(request: Request) -> Answer:
            return await asyncio.to_thread(self._answer, request)

        _ = self._loaded
        yield ask

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Tokenizer and model."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from emo3d_exp.backbones.transformers_encoder import quiet_transformers
        from emo3d_exp.backbones.weights import ModelFiles

        place = "serve the model elsewhere and set the stage's model to local_server"
        files = ModelFiles(
            "(language model)", self.model, "config.json", _WEIGHTS, _COMPANIONS, place, self.revision
        )
        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(files.folder, local_files_only=True)
            module, report = AutoModelForCausalLM.from_pretrained(
                files.folder, local_files_only=True, dtype="auto", output_loading_info=True
            )
        if missing := sorted(report["missing_keys"]):
            raise WeightsUnavailableError(
                f"language model {self.model}: its weights lack {len(missing)} tensors, first {missing[0]}"
            )
        return tokenizer, module.to(device).eval()

    def _answer(self, request: Request) -> Answer:
        import torch

        tokenizer, module = self._loaded
        ids = self._ids(tokenizer, request).to(module.device)
        room = (getattr(module.config, "max_position_embeddings", None) or 1 << 30) - ids.shape[1]
        if room < 1:
            raise NoAnswerError(f"the conversation has {ids.shape[1]} tokens, which {self.model} cannot read")
        sampling: dict[str, Any] = {"do_sample": request.temperature != 0}
        if request.temperature:
            sampling["temperature"] = request.temperature
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(request.seed)
            made = module.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=min(request.max_tokens, room),
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id or 0,
                **sampling,
            )[0, ids.shape[1] :]
        ends = _as_set(module.generation_config.eos_token_id)
        whole = bool(len(made)) and int(made[-1]) in ends
        text = tokenizer.decode(made, skip_special_tokens=True)
        return Answer(text, "stop" if whole else "length", ids.shape[1], len(made))

    def _ids(self, tokenizer: Any, request: Request) -> Any:
        messages = list(request.messages)
        if getattr(tokenizer, "chat_template", None):
            told = tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
            return told["input_ids"]
        plain = "\n\n".join(message["content"] for message in messages)
        return tokenizer(plain, return_tensors="pt")["input_ids"]


def _as_set(ids: int | list[int] | None) -> set[int]:
    return set() if ids is None else {ids} if isinstance(ids, int) else set(ids)
