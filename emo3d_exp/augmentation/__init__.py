"""More training data from what is there: mirrored samples, shorter texts, noise on embeddings.

Importing this package imports no torch; it comes with the first noise.
"""

from emo3d_exp.augmentation.augmentation import Augmentation
from emo3d_exp.augmentation.mirror import mirrored, with_mirror_images
from emo3d_exp.augmentation.noise import Batches, NoisyBatches, with_noise
from emo3d_exp.augmentation.texts import beginning, swapped_sides, without_some_words

__all__ = [
    "Augmentation",
    "Batches",
    "NoisyBatches",
    "beginning",
    "mirrored",
    "swapped_sides",
    "with_mirror_images",
    "with_noise",
    "without_some_words",
]
