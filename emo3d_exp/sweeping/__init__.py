"""Sweeps: all combinations, or a search, in which Optuna proposes the next trials from those that are done.

Importing this package is cheap: optuna is imported when a sweep runs.
"""

from emo3d_exp.sweeping.sweeper import OptunaSweeper, admit_sweepers
from emo3d_exp.sweeping.trial import Pruned, trial_of, working_on_trial

__all__ = ["OptunaSweeper", "Pruned", "admit_sweepers", "trial_of", "working_on_trial"]
