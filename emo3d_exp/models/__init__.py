"""Systems that turn a text into blendshapes, as LightningModules in a registry."""

from emo3d_exp.models.registry import MODEL_NAMES, model_class, model_classes, register_model
from emo3d_exp.models.teacher_forcing import FixedRatio, ScheduledRatio, TeacherForcing

__all__ = [
    "MODEL_NAMES",
    "FixedRatio",
    "ScheduledRatio",
    "TeacherForcing",
    "model_class",
    "model_classes",
    "register_model",
]
