"""Seconds for a training step of the article's model, with and without dropout."""

from .contestants import RATES, training_step


def test_training_step(race):
    race("training step", 64 * 512, training_step(), RATES, rounds=200)
