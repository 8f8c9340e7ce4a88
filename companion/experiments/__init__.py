"""What the book measures: many small networks, trained at once."""

from companion.experiments.engine import Trained, train_networks
from companion.experiments.intervals import Interval, mean_interval

__all__ = ["Interval", "Trained", "mean_interval", "train_networks"]
