"""What the book measures: many small networks, trained at once."""

from companion._arguments import missing

try:
    import joblib as _joblib  # noqa: F401
    import scipy as _scipy  # noqa: F401
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise missing(error.name, "experiments", error) from error

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
