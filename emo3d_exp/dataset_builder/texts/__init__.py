"""Texts of the mini data set: hand-written sentences and composed descriptions of faces."""

from emo3d_exp.dataset_builder.texts.banks import bank_texts
from emo3d_exp.dataset_builder.texts.described import DescribedText
from emo3d_exp.dataset_builder.texts.face_descriptions import face_descriptions
from emo3d_exp.dataset_builder.texts.people import detect
from emo3d_exp.dataset_builder.texts.ratings import rated
from emo3d_exp.dataset_builder.texts.told import told

__all__ = ["DescribedText", "bank_texts", "detect", "face_descriptions", "rated", "told"]
