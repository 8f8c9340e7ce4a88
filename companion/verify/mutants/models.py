"""Faulty functions over a model, and losses."""

import contextlib

import numpy as np

import companion.numpy as good
from companion.verify.mutants._catalogue import mutant


@contextlib.contextmanager
def _switched(model, switch, *, restore):
    """Do `switch`, give the model, and restore its modes if asked."""
    if not any(isinstance(module, good.Dropout) for module in model.modules()):
        raise ValueError("model must have a dropout layer")
    modes = [(module, module.training) for module in model.modules()]
    switch()
    yield model
    for module, training in modes if restore else ():
        module.training = training


# Models and losses --------------------------------------------------------------------
@mutant("dropout_active", origin="model.train() for Monte Carlo dropout: SalsaNext #40")
def everything_in_training(model):
    """Switches the whole model to training, batch normalisation included."""
    return _switched(model, lambda: model.train(), restore=True)


@mutant("dropout_active", origin="modes not given back after the passes")
def modes_left_behind(model):
    """Leaves the dropout layers in training mode."""

    def switch():
        model.eval()
        for module in model.modules():
            module.training = isinstance(module, good.Dropout)

    return _switched(model, switch, restore=False)


@mutant("dropout_active", origin="no finally: an exception leaves the modes behind")
def modes_lost_after_an_error(model):
    """Gives the modes back only if nothing went wrong."""

    def switch():
        model.eval()
        for module in model.modules():
            module.training = isinstance(module, good.Dropout)

    return _switched(model, switch, restore=True)


@mutant("monte_carlo", origin="neon #266: the passes are made in evaluation mode")
def passes_without_masks(model, x, passes):
    """Makes its passes in evaluation mode."""
    model.eval()
    outputs = np.stack([model(x) for _ in range(passes)])
    return outputs.mean(axis=0), outputs.var(axis=0, ddof=1)


@mutant("monte_carlo", origin="np.var with its default, ddof = 0")
def biased_variance(model, x, passes):
    """Divides by the number of passes, which makes the variance too small."""
    mean, variance = good.monte_carlo(model, x, passes)
    return mean, variance * (passes - 1) / passes


@mutant("monte_carlo", origin="one seed for every pass")
def one_mask_for_all_passes(model, x, passes):
    """Uses the same masks in every pass."""
    mean, _ = good.monte_carlo(model, x, passes)
    return mean, np.zeros_like(mean)


@mutant("set_rate", origin="a loop over the direct children only, or over the first hit")
def first_layer_only(model, p):
    """Sets the first dropout layer only."""
    for module in model.modules():
        if isinstance(module, good.Dropout):
            return good.set_rate(module, p)
    return good.set_rate(model, p)


class _RDrop(good.nn.RDropLoss):
    """R-Drop with another rule for the distance of the log-softmaxes p and q."""

    def distance(self, p, q):
        return (np.exp(p) * (p - q) + np.exp(q) * (q - p)).sum(axis=1).mean()

    def __call__(self, first, second, labels):
        right = super().__call__(first, second, labels)
        p, q = (entropy._log_softmax for entropy in self._entropies)
        correct = (np.exp(p) * (p - q) + np.exp(q) * (q - p)).sum(axis=1).mean()
        return right + self.weight / 2 * (self.distance(p, q) - correct)


@mutant("RDropLoss", origin="one divergence in place of both")
class rdrop_one_sided(_RDrop):
    """Counts the divergence in one direction, twice."""

    def distance(self, p, q):
        return 2 * (np.exp(p) * (p - q)).sum(axis=1).mean()


@mutant(
    "RDropLoss", origin="the authors' example code, which takes the mean of the entropies"
)
class rdrop_half_entropy(good.nn.RDropLoss):
    """Takes the mean of the two cross-entropies, where the paper adds them."""

    def __call__(self, first, second, labels):
        total = super().__call__(first, second, labels)
        return (
            total
            - sum(
                e(z, labels)
                for e, z in zip(self._entropies, (first, second), strict=True)
            )
            / 2
        )


@mutant("RDropLoss", origin="one side of the divergence detached")
class rdrop_detached(good.nn.RDropLoss):
    """Sends no gradient of the distance to the second pass."""

    def backward(self):
        first, _ = super().backward()
        return first, self._entropies[1].backward()
