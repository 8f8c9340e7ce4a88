"""Every walk over a model, on one zoo of models in both frameworks."""

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct

from .zoo import FRAMEWORKS, WITHOUT, ZOO, Net


def as_numpy(y):
    return np.asarray(y.detach() if isinstance(y, torch.Tensor) else y)


def is_random(animal):
    """Whether two passes differ. All masks agree with probability 1e-9 at most."""
    passes = [[as_numpy(animal.model(animal.x)) for _ in range(10)] for _ in range(2)]
    return not np.array_equal(*passes)


@pytest.fixture(params=ZOO, ids=" ".join)
def species(request):
    return FRAMEWORKS[request.param[0]], ZOO[request.param]


def all_modules(model):
    return list(model.modules())


def test_modes_reach_every_layer(species, rng):
    framework, build = species
    animal = build(0.3, rng)
    model = animal.model
    assert is_random(animal)
    with framework.dropout_active(model):
        active = [module for module in all_modules(model) if module.training]
        assert is_random(animal)
    assert active
    assert all(module.training for module in all_modules(model))
    for module in all_modules(model):
        module.training = False
    assert not is_random(animal)


def test_monte_carlo_varies_and_gives_the_modes_back(species, rng):
    framework, build = species
    animal = build(0.3, rng)
    for number, module in enumerate(all_modules(animal.model)):
        module.training = bool(number % 3)
    before = [module.training for module in all_modules(animal.model)]
    _, variance = framework.monte_carlo(animal.model, animal.x, 20)
    assert as_numpy(variance).max() > 0
    assert before == [module.training for module in all_modules(animal.model)]


def test_set_rate_takes_all_randomness_away_and_gives_it_back(species, rng):
    """What knows the rates must know every layer that draws."""
    framework, build = species
    animal = build(0.3, rng)
    assert framework.set_rate(animal.model, 0.0) == animal.rates
    assert not is_random(animal)  # although all of it is in training
    with pytest.raises(ValueError, match="dropout layer with a rate above 0"):
        framework.monte_carlo(animal.model, animal.x, 2)
    assert framework.set_rate(animal.model, 0.4) == animal.rates
    assert is_random(animal)
    framework.monte_carlo(animal.model, animal.x, 2)


def test_parameters_are_found_once(species, rng):
    _, build = species
    animal = build(0.3, rng)
    parameters = list(animal.model.parameters())
    assert len(parameters) == len({id(p) for p in parameters}) == animal.parameters


@pytest.mark.parametrize("which", WITHOUT, ids=" ".join)
def test_a_model_without_dropout_layers_is_refused_and_told_why(which, rng):
    framework, model = FRAMEWORKS[which[0]], WITHOUT[which](rng)
    why = "called in a forward method, cannot be found"
    for call in (
        lambda: framework.monte_carlo(model, None, 2),
        lambda: framework.dropout_active(model).__enter__(),
        lambda: framework.set_rate(model, 0.3),
    ):
        with pytest.raises(ValueError, match=f"model must have a dropout layer.*{why}"):
            call()


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_a_learned_rate_is_active_and_not_set(framework, rng):
    x = np.ones(9) if framework is cn else torch.ones(9)
    layer = framework.ConcreteDropout(0.3, rng)
    assert as_numpy(framework.monte_carlo(layer, x, 5)[1]).max() > 0
    both = framework.nn.Sequential(layer, framework.Dropout(0.0, rng))
    assert framework.set_rate(both, 0.1) == 1
    assert layer.p == pytest.approx(0.3)


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
@pytest.mark.parametrize("model", [None, len, "model", cn.Dropout, torch.ones(2)])
def test_what_is_no_model_is_named(framework, model):
    for call in (
        lambda: framework.monte_carlo(model, np.ones(2), 2),
        lambda: framework.dropout_active(model).__enter__(),
        lambda: framework.set_rate(model, 0.3),
    ):
        with pytest.raises(TypeError, match=r"model must be a .*Module; got"):
            call()


def test_switching_touches_no_model_that_defines_train(rng):
    """Some models merge weights in `train`: a flag that is set leaves them alone."""

    class Merging(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = ct.Dropout(0.3, rng)

        def train(self, mode=True):
            raise AssertionError

        def forward(self, x):
            return self.drop(x)

    assert ct.monte_carlo(Merging(), torch.ones(99), 5)[1].max() > 0


def test_parameters_keep_the_order_of_pytorch(rng):
    """First those of a module itself, then those of its parts, as they were set."""
    linear, own = cn.nn.Linear(2, 2, rng), cn.nn.Parameter(np.zeros(1))
    model = Net({"deep": [linear], "own": own}, linear)
    assert model.parameters() == [own, linear.weight, linear.bias]
    assert model.modules() == [model, linear]


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_monte_carlo_names_a_model_that_returns_several_things(framework, rng):
    class Two(framework.nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = framework.Dropout(0.3, rng)

        def forward(self, x):
            return self.drop(x), self.drop(x)

    x = np.ones(9) if framework is cn else torch.ones(9)
    with pytest.raises(TypeError, match=r"model must return one array .*; got tuple"):
        framework.monte_carlo(Two(), x, 5)
