"""What the book measures: many small networks, trained at once."""

from companion.experiments.engine import (
    Trained,
    activations,
    draw_factors,
    train_networks,
)
from companion.experiments.intervals import Interval, bootstrap_interval, mean_interval
from companion.experiments.registry import Finding, Row, experiment, experiments

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
