"""What a model, a backbone and a rig have to keep to, as checks for the tests of other packages.

Each raises AssertionError that says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emo3d_exp.vocab import BLENDSHAPES, MORPH_TARGETS

if TYPE_CHECKING:
    from torch import Tensor

    from emo3d_exp.backbones import Encoder
    from emo3d_exp.faces import Rig
    from emo3d_exp.models.base import FaceSystem

TEXTS = ("a wide grin", "tears of joy, and a crooked smile", "x", "Zürich? 笑顔 :-)")


def check_model(model: FaceSystem, dim: int) -> None:
    """A trained or new model answers text embeddings with faces, each text for itself, alike every time, and
    one that is trained by steps gets the gradients of a batch from two processes that share it.

    Args:
        model: in any mode; it is left in evaluation mode, without gradients.
        dim: width D of the embeddings it was made for.
    """
    import torch

    model.eval()
    assert {"text"} <= model.modalities <= {"text", "image"}, f"modalities are {set(model.modalities)}"
    text = torch.randn(6, dim, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        faces, again = model.from_text(text), model.from_text(text)
        alone = torch.cat([model.from_text(row[None]) for row in text])
        none = model.from_text(text[:0])
    assert faces.shape == (6, len(BLENDSHAPES)), f"from_text gives {tuple(faces.shape)}, not (6, 52)"
    assert none.shape == (0, len(BLENDSHAPES)), f"of no text from_text gives {tuple(none.shape)}"
    assert faces.dtype == torch.float32, f"from_text gives {faces.dtype}"
    assert bool(((faces >= 0) & (faces <= 1)).all()), "scores lie outside [0, 1]"
    assert torch.equal(faces, again), "the same texts get other faces the second time"
    assert torch.allclose(faces, alone, atol=1e-5), "a text's face depends on the texts beside it"
    if any(parameter.requires_grad for parameter in model.parameters()):
        _check_shared(model, dim)


def _check_shared(model: FaceSystem, dim: int) -> None:
    """Two processes that share a batch, with pictures for all faces and for some, get its gradients."""
    import torch

    for lacking in (False, True) if "image" in model.modalities else (False,):
        whole = _gradient(model, [_batch(dim, "image" in model.modalities, lacking)])
        parts = [_batch(dim, "image" in model.modalities, lacking, rank) for rank in range(2)]
        assert torch.allclose(_gradient(model, parts), whole, rtol=1e-3, atol=1e-5 * float(whole.norm())), (
            "two processes train otherwise than one: a loss term that is no mean over rows needs portion(), "
            'a training_step of its own batch["share"]'
        )
    model.zero_grad()


def _gradient(model: FaceSystem, batches: list[Any]) -> Tensor:
    """(parameters,) the mean over the processes' batches, as Lightning makes it."""
    import torch

    model.zero_grad()
    with torch.random.fork_rng(devices=[]):
        for batch in batches:
            torch.manual_seed(0)
            (model.training_step(batch, 0) / len(batches)).backward()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in trained])


def _batch(dim: int, pictures: bool, lacking: bool, rank: int | None = None) -> Any:
    """Seven rows, or the part of one of two processes; the first faces may lack pictures."""
    from emo3d_exp.data import TensorBatches
    from emo3d_exp.data.dealing import Dealing

    rng, rows = np.random.default_rng(0), np.arange(7)
    text, image = rng.normal(size=(2, 7, dim)).astype(np.float32)
    scores, emotions = (rng.random((7, width), dtype=np.float32) for width in (len(BLENDSHAPES), 8))
    if lacking:
        image[:2] = np.nan
    batches = TensorBatches(
        text, image if pictures else None, scores, emotions, np.stack([rows, rows], axis=1), batch_size=7,
        dealing=None if rank is None else Dealing(2, rank),
    )  # fmt: skip
    return next(iter(batches))


def check_encoder(encoder: Encoder, other: Encoder) -> None:
    """A backbone says what it gives, gives it alike every time, and its fingerprint tells settings apart.

    Args:
        encoder: with its weights in reach. other: one of the same class that embeds otherwise.
    """
    encoder.check()
    assert encoder.fingerprint != other.fingerprint, "two settings share a fingerprint, and so the cache"
    rows = encoder.encode_texts(list(TEXTS))
    assert rows.shape == (len(TEXTS), encoder.dim), f"{rows.shape} is not ({len(TEXTS)}, dim={encoder.dim})"
    assert rows.dtype == np.float32, f"embeddings are {rows.dtype}"
    assert np.isfinite(rows).all(), "embeddings are not finite"
    assert encoder.encode_texts([]).shape == (0, encoder.dim), "no texts give no (0, D)"
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    assert np.allclose(rows, alone, atol=1e-5), "a text's embedding depends on the texts beside it"
    if "image" in encoder.modalities:
        image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
        assert encoder.encode_images([image, image]).shape == (2, encoder.dim), "images give no (2, D)"


def check_rig(rig: Rig, least: float = 1e-4) -> None:
    """A rig looks along +z with y up, its shapes move it, and each left one moves the face's own left side.

    Args:
        rig: to look at. least: motion that counts, as a part of the head's height.
    """
    low, high = rig.neutral.min(axis=0), rig.neutral.max(axis=0)
    assert (high > low).all(), "the head is flat"
    motion = np.linalg.norm(rig.deltas, axis=2) / (high - low)[1]
    still = [name for name, moved in zip(MORPH_TARGETS, motion, strict=True) if moved.max() < least]
    assert set(still) <= set(rig.missing), f"these move nothing, and rig.missing does not say so: {still}"
    jaw = MORPH_TARGETS.index("jawOpen")
    assert "jawOpen" in still or rig.deltas[jaw, motion[jaw].argmax(), 1] < 0, "jawOpen does not go down"
    middle = (low[0] + high[0]) / 2
    for index, name in enumerate(MORPH_TARGETS):
        if (
            name.startswith(("brow", "cheek", "eye"))
            and name.endswith(("Left", "Right"))
            and name not in still
        ):
            side = float((motion[index] * (rig.neutral[:, 0] - middle)).sum())
            assert (side > 0) == name.endswith("Left"), f"{name} moves the wrong side: +x is the face's left"
