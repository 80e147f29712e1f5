"""What people say: labels of texts, and preferences between faces."""

from emo3d_exp.dataset_builder.human.agreement import agreement, read_labels
from emo3d_exp.dataset_builder.human.agreement_table import agreement_table, write_agreement_csv
from emo3d_exp.dataset_builder.human.preferences import (
    Preference,
    read_preferences,
    write_preference_sheets,
)
from emo3d_exp.dataset_builder.human.sampling import Item, draw_texts
from emo3d_exp.dataset_builder.human.sheets import write_label_sheets
from emo3d_exp.dataset_builder.human.vector_agreement import read_vectors
from emo3d_exp.dataset_builder.human.verdicts import verdicts

__all__ = [
    "Item",
    "Preference",
    "agreement",
    "agreement_table",
    "draw_texts",
    "read_labels",
    "read_preferences",
    "read_vectors",
    "verdicts",
    "write_agreement_csv",
    "write_label_sheets",
    "write_preference_sheets",
]
