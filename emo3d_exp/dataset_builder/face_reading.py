"""MediaPipe's FaceLandmarker, with the confidence of its detector and the pose of the head."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emo3d_exp.errors import DataError
from emo3d_exp.runs.native_stderr import native_stderr_closed
from emo3d_exp.vocab import BLENDSHAPES

DETECTOR = "face_detector.tflite"


@dataclass(frozen=True)
class FoundFace:
    """The largest face of a picture.

    Attributes:
        blendshapes: ``(52,)`` float32 in [0, 1], in the order of ``BLENDSHAPES``.
        confidence: score of the detector (BlazeFace) for this face, in [0, 1]; None where the detector, asked
            by itself, does not find what the landmarker found.
        pose: yaw, pitch and roll in degrees, see :func:`head_pose`.
        faces: that were found in the picture.
    """

    blendshapes: np.ndarray
    confidence: float | None
    pose: tuple[float, float, float]
    faces: int


class FaceReader:
    """Pictures → faces; to be closed, since an open landmarker raises when Python exits.

    The landmarker's own answer holds no score. Its detector is a part of the model file, so it is asked once
    more, by itself, for one; it looks at the same pixels.

    Args:
        model: ``face_landmarker.task``. max_faces: looked for in a picture.
        min_confidence: of the detector, in [0, 1], below which there is no face.

    Raises:
        DataError: the file is no such model.
    """

    def __init__(self, model: Path, max_faces: int = 4, min_confidence: float = 0.5) -> None:
        from mediapipe.tasks.python import BaseOptions, vision

        base = BaseOptions(model_asset_path=str(model))
        options = vision.FaceLandmarkerOptions(
            base_options=base,
            num_faces=max_faces,
            min_face_detection_confidence=min_confidence,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        detector = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=_detector(model)),
            min_detection_confidence=min_confidence,
        )
        with native_stderr_closed():
            try:
                self._landmarker = vision.FaceLandmarker.create_from_options(options)
            except (RuntimeError, ValueError) as error:
                raise DataError(f"{model} is no face landmarker that can be used: {error}") from error
            self._detector = vision.FaceDetector.create_from_options(detector)
            # The last of the native messages come with the first picture.
            self.read(np.zeros((64, 64, 3), np.uint8))

    def read(self, image: np.ndarray) -> FoundFace | None:
        """``(H, W, 3)`` uint8 RGB → its largest face, or None where there is none."""
        import mediapipe

        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        found = self._landmarker.detect(picture)
        boxes = [_box(landmarks, image.shape) for landmarks in found.face_landmarks]
        detected = self._detector.detect(picture).detections
        if not boxes:
            return None
        largest = int(np.argmax([(right - left) * (low - top) for left, top, right, low in boxes]))
        return FoundFace(
            _scores(found.face_blendshapes[largest]),
            _confidence(boxes[largest], detected),
            head_pose(np.asarray(found.facial_transformation_matrixes[largest])),
            len(boxes),
        )

    def close(self) -> None:
        """Give the models' memory back."""
        self._landmarker.close()
        self._detector.close()


def head_pose(matrix: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of MediaPipe's facial transformation matrix.

    The convention is that of :class:`emo3d_exp.faces.Look`: positive yaw turns to the subject's left,
    positive pitch down, positive roll tilts to the subject's left shoulder. The head is first turned by
    pitch, then by yaw, then by roll, about axes that point to the subject's left, up and to the camera.

    Args:
        matrix: ``(4, 4)``, or ``(3, 3)``: the rotation, perhaps with a scale, from the canonical face to a
            camera that looks along -z with y up.
    """
    turn = matrix[:3, :3] / np.cbrt(np.linalg.det(matrix[:3, :3]))
    yaw = np.arcsin(np.clip(-turn[2, 0], -1, 1))
    pitch = np.arctan2(turn[2, 1], turn[2, 2])
    roll = np.arctan2(-turn[1, 0], turn[0, 0])
    return float(np.rad2deg(yaw)), float(np.rad2deg(pitch)), float(np.rad2deg(roll))


def _detector(model: Path) -> bytes:
    try:
        with zipfile.ZipFile(model) as bundle:
            return bundle.read(DETECTOR)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{model} is no face_landmarker.task: {error}; fetch it again") from error


def _scores(categories: list[Any]) -> np.ndarray:
    names = tuple(category.category_name for category in categories)
    if names != BLENDSHAPES:
        raise DataError(f"the face landmarker gives other blendshapes than the 52: {', '.join(names[:4])} …")
    return np.array([category.score for category in categories], np.float32)


def _box(landmarks: list[Any], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Left, top, right and lower bound in pixels."""
    across, down = ([point.x for point in landmarks], [point.y for point in landmarks])
    height, width = shape[:2]
    return min(across) * width, min(down) * height, max(across) * width, max(down) * height


def _confidence(box: tuple[float, float, float, float], detections: list[Any]) -> float | None:
    """Score of the detection whose middle lies nearest to the middle of the face, and inside its bounds."""
    left, top, right, low = box
    scores = []
    for detection in detections:
        found = detection.bounding_box
        x, y = found.origin_x + found.width / 2, found.origin_y + found.height / 2
        if left <= x <= right and top <= y <= low:
            distance = abs(x - (left + right) / 2) + abs(y - (top + low) / 2)
            scores.append((distance, float(detection.categories[0].score)))
    return min(scores)[1] if scores else None
