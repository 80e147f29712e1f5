"""How the metric reacts to known changes of true faces, beside the MSE: is it worth trusting?

See docs/meta_evaluation.md. What draws or plots is loaded on first use.
"""

from emo3d_exp.evaluation.meta.measuring import Material, MetaEvaluation, measure
from emo3d_exp.evaluation.meta.report import write_meta
from emo3d_exp.evaluation.meta.settings import MetaSettings

__all__ = ["Material", "MetaEvaluation", "MetaSettings", "measure", "write_meta"]
