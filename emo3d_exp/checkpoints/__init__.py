"""Weights that other code has trained, for the models of this package."""

from emo3d_exp.checkpoints.tensor_file import TensorFile

__all__ = ["TensorFile"]
