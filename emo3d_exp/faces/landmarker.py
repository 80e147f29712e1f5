"""MediaPipe's FaceLandmarker as a reader of blendshapes from pictures."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np

from emo3d_exp.errors import ConfigError
from emo3d_exp.runs.native_stderr import native_stderr_closed
from emo3d_exp.vocab import BLENDSHAPES


class BlendshapeReader:
    """Pictures → 52 scores; a context manager, since an open landmarker raises when Python exits.

    Args:
        model: ``face_landmarker.task``, MediaPipe's float16 model, version 1.

    Raises:
        ConfigError: there is no such file.
    """

    def __init__(self, model: str | Path) -> None:
        from mediapipe.tasks.python import BaseOptions, vision

        if not Path(model).is_file():
            raise ConfigError(f"no face landmarker at '{model}': pass the path of face_landmarker.task")
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)), output_face_blendshapes=True, num_faces=1
        )
        with native_stderr_closed():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
            # The last of the native messages come with the first picture.
            self.read(np.zeros((64, 64, 3), np.uint8))

    def read(self, image: np.ndarray) -> np.ndarray | None:
        """``(H, W, 3)`` uint8 RGB → ``(52,)`` float32 in [0, 1], or None where no face is found."""
        import mediapipe

        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        found = self._landmarker.detect(picture).face_blendshapes
        if not found:
            return None
        scores = {category.category_name: category.score for category in found[0]}
        return np.array([scores[name] for name in BLENDSHAPES], np.float32)

    def __enter__(self) -> BlendshapeReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._landmarker.close()
