"""Closed forms, and exhaustive sums over all 2^n masks that check them."""

from companion._arithmetic import alpha_affine
from companion.masks import block_drop_rate, block_start_rate
from companion.theory.bayes import kept_information, mask_posterior
from companion.theory.moments import (
    dropped_covariance,
    dropped_mean,
    dropped_variance,
    gradient_moments,
)
from companion.theory.networks import all_masks, mask_probabilities, network_averages
from companion.theory.regression import fisher_penalty, logistic_penalty, ridge_weights

__all__ = [
    "all_masks",
    "alpha_affine",
    "block_drop_rate",
    "block_start_rate",
    "dropped_covariance",
    "dropped_mean",
    "dropped_variance",
    "fisher_penalty",
    "gradient_moments",
    "kept_information",
    "logistic_penalty",
    "mask_posterior",
    "mask_probabilities",
    "network_averages",
    "ridge_weights",
]
