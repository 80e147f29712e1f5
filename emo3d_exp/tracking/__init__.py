"""Where runs are shown: Weights & Biases (online or offline), CSV files, or nowhere.

Importing this package is cheap: wandb and Lightning are imported when a tracker starts.
"""

from emo3d_exp.tracking.csv_tracker import CSVTracker
from emo3d_exp.tracking.mode import ModeChoice, choose_mode, find_key
from emo3d_exp.tracking.no_tracker import NoTracker
from emo3d_exp.tracking.samples import SampleFaces
from emo3d_exp.tracking.tracker import Tracker
from emo3d_exp.tracking.wandb_tracker import WandbTracker

__all__ = [
    "CSVTracker",
    "ModeChoice",
    "NoTracker",
    "SampleFaces",
    "Tracker",
    "WandbTracker",
    "choose_mode",
    "find_key",
]
