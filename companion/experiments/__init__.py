"""What the book measures: many small networks, trained at once."""

from companion.experiments.finding import (
    Finding,
    Row,
    experiment,
    experiments,
)
from companion.experiments.statistics import (
    Interval,
    bootstrap_interval,
    mean_interval,
)
from companion.experiments.training.engine import Trained, train_networks
from companion.experiments.training.forward import activations, draw_factors

__all__ = [
    "Finding",
    "Interval",
    "Row",
    "Trained",
    "activations",
    "bootstrap_interval",
    "draw_factors",
    "experiment",
    "experiments",
    "mean_interval",
    "train_networks",
]
