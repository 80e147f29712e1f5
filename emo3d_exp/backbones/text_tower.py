"""A language model as a part of the network that is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from emo3d_exp.backbones.pooling import pooled_embedding
from emo3d_exp.backbones.tuning import Tuning
from emo3d_exp.errors import ConfigError


class TextTower(nn.Module):
    """Tokens → text embeddings, as the frozen encoder of the same weights gives them.

    Its state holds what is trained alone: the rest comes with the model that it was made from. Loading is
    strict about it: a tensor that is missing, unknown, or not one of the trained raises RuntimeError.

    Args:
        module: transformers model in float32; it is changed. pooling, normalize: as the encoder's.
        tuning: what is trained.

    Raises:
        ConfigError: the model cannot be trained in this way.
    """

    def __init__(self, module: nn.Module, pooling: str, normalize: bool, tuning: Tuning) -> None:
        super().__init__()
        self.pooling, self.normalize, self.tuning = pooling, normalize, tuning
        self.module = chosen_for_training(module, tuning)
        if tuning.gradient_checkpointing:
            checkpoint_gradients(self.module)
        self.trained = frozenset(name for name, p in self.named_parameters() if p.requires_grad)
        # told now, since a process may hold a flat part of each later
        self.matrices = frozenset(name for name, p in self.named_parameters() if p.ndim > 1)
        self.train()  # transformers loads in evaluation mode, and Lightning leaves modes as they are

    def forward(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """``input_ids`` and ``attention_mask`` (B, L) → (B, D) float32."""
        return pooled_embedding(self.module, tokens, self.pooling, self.normalize)

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """As ``nn.Module.state_dict``, of the trained parameters alone."""
        whole = super().state_dict(*args, prefix=prefix, keep_vars=keep_vars)
        trained = {key: value for key, value in whole.items() if key[len(prefix) :] in self.trained}
        if destination is None:
            return trained
        destination.update(trained)
        return destination

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        foreign = [k for k in state_dict if k.startswith(prefix) and k[len(prefix) :] not in self.trained]
        unexpected_keys.extend(foreign)
        for key in foreign:
            del state_dict[key]
        own = super().state_dict(prefix=prefix)
        state_dict |= {key: own[key] for key in own if key[len(prefix) :] not in self.trained}
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


def chosen_for_training(module: nn.Module, tuning: Tuning) -> nn.Module:
    """The module, with gradients where ``tuning`` wants them and nowhere else. BERT's and RoBERTa's pooler
    goes: nothing reads its answer, and where a file lacks its weights they are noise."""
    if isinstance(getattr(module, "pooler", None), nn.Module):
        module.pooler = None
    if tuning.lora_rank is not None:
        return with_lora(module, tuning)
    trained: nn.Module = module
    if tuning.last_layers is not None:
        layers = encoder_layers(module)
        if tuning.last_layers > len(layers):
            raise ConfigError(
                f"backbone.tuning.last_layers={tuning.last_layers}: the model has {len(layers)} layers"
            )
        trained = layers[len(layers) - tuning.last_layers :]
    module.requires_grad_(False)
    trained.requires_grad_(True)
    return module


def encoder_layers(module: nn.Module) -> nn.ModuleList:
    """The list of the model's layers, as many as its configuration says. Raises ConfigError if none is."""
    count = module.config.num_hidden_layers
    for part in module.modules():
        if isinstance(part, nn.ModuleList) and len(part) == count:
            return part
    raise ConfigError(
        f"backbone.tuning.last_layers: {type(module).__name__} has no list of {count} layers; set it to null"
    )


def with_lora(module: nn.Module, tuning: Tuning) -> nn.Module:
    """The module with low-rank additions to its linear layers, which alone have gradients."""
    from peft import LoraConfig, inject_adapter_in_model

    targets = tuning.lora_targets
    config = LoraConfig(
        r=tuning.lora_rank,
        lora_alpha=tuning.lora_alpha,
        target_modules=None if targets is None else [str(target) for target in targets],
        bias="none",
    )
    try:
        inject_adapter_in_model(config, module)
    except ValueError as error:
        raise ConfigError(
            f"backbone.tuning.lora_targets: no LoRA for {type(module).__name__} ({error}); name its linear "
            "layers, such as [query,value]"
        ) from error
    for name, parameter in module.named_parameters():
        parameter.requires_grad_("lora_" in name)
    return module


def checkpoint_gradients(module: nn.Module) -> None:
    """Keep no activations of the layers. Raises ConfigError where the model cannot do without."""
    enable = getattr(module, "activation_checkpointing_enable", None)  # its name from transformers 5 on
    try:
        (enable or module.gradient_checkpointing_enable)({"use_reentrant": False})
    except (AttributeError, ValueError) as error:
        raise ConfigError(f"backbone.tuning.gradient_checkpointing: {error}; set it to false") from error
    # Asked for by the reentrant kind alone; it would send gradients through layers that are frozen.
    module.disable_input_require_grads()
