"""Pictures by a diffusers pipeline on this machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from emo3d_exp.dataset_builder.image_prompts import load_template, prompt
from emo3d_exp.dataset_builder.image_stage import ImageStage, Picture, check_faces, text_of_face
from emo3d_exp.dataset_builder.stage import Row, sample_rng
from emo3d_exp.errors import ConfigError, WeightsUnavailableError


class DiffusersImages(ImageStage):
    """Draws each sample's texts with a text-to-image pipeline; the noise is the same on any
    device.

    Args:
        model: hub id, or folder of a saved pipeline. device: such as ``cuda``, ``cuda:1`` or ``cpu``.
        dtype: of the weights, such as ``float16``. steps: of denoising.
        guidance: its scale; None for the pipeline's own.
        size: pixels, square. faces: pictures a sample, 1 … 4; they show its texts in turn.
        template: file of the prompt; None for the package's. seed: of the noise. min_size: as checked.

    Raises:
        ConfigError: diffusers is not installed, or there is no such dtype.
        WeightsUnavailableError: the pipeline is neither on this machine nor reachable.
    """

    shard_rows = 16

    def __init__(
        self,
        model: str,
        device: str = "cuda",
        dtype: str = "float16",
        steps: int = 30,
        guidance: float | None = None,
        size: int = 1024,
        faces: int = 1,
        template: str | None = None,
        seed: int = 0,
        min_size: int = 64,
    ) -> None:
        self.model, self.device, self.dtype, self.steps, self.guidance = model, device, dtype, steps, guidance
        self.size, self.faces, self.seed, self.min_size = size, check_faces(faces), seed, min_size
        self.template = load_template(template)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_pipeline"}

    def parameters(self) -> dict[str, Any]:
        keys = ("model", "dtype", "steps", "guidance", "size", "faces", "template", "seed", "min_size")
        return {"source": "diffusers", **{key: getattr(self, key) for key in keys}}

    @cached_property
    def _pipeline(self) -> Any:
        import torch

        try:
            from diffusers import AutoPipelineForText2Image
        except ImportError as error:
            raise ConfigError(
                "builder/images=diffusers: diffusers is not installed; pip install 'emo3d_exp[diffusers]'"
            ) from error
        dtype = getattr(torch, self.dtype, None)
        if not isinstance(dtype, torch.dtype):
            raise ConfigError(
                f"builder.images.dtype={self.dtype} is no type of torch; try float16 or float32"
            )
        try:
            pipeline = AutoPipelineForText2Image.from_pretrained(self.model, torch_dtype=dtype)
        except (OSError, ValueError) as error:
            raise WeightsUnavailableError(
                f"the pipeline {self.model} cannot be loaded ({error}); give builder.images.model=<a folder>"
            ) from error
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to(self.device)

    def close(self) -> None:
        """Let the pipeline go."""
        self.__dict__.pop("_pipeline", None)

    def pictures(self, row: Row) -> Iterator[Picture]:
        import torch

        for face in range(self.faces):
            text_number = text_of_face(row, face)
            drawn = int(sample_rng(self.seed, row["sample_id"], f"noise {face}").integers(2**63))
            guidance = {} if self.guidance is None else {"guidance_scale": self.guidance}
            made = self._pipeline(
                prompt=prompt(self.template, row, text_number),
                num_inference_steps=self.steps,
                height=self.size,
                width=self.size,
                # On the CPU: the noise is then the same whatever the device.
                generator=torch.Generator("cpu").manual_seed(drawn),
                **guidance,
            )
            encoded = io.BytesIO()
            made.images[0].save(encoded, format="PNG")
            yield Picture(text_number, encoded.getvalue())
