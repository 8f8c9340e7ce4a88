"""The small network: gradients, optimisers, and the proof that both frameworks are one."""

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch

import companion.numpy as cn
import companion.torch as ct
from companion.verify.properties import count_is_plausible, gradient_error

STEPS = 240


def build(framework, dtype, *, p=0.3):
    """Return 40-64-64-10 with dropout; one seed for weights, one for masks."""
    nn = framework.nn
    weights, masks = np.random.default_rng([0, 0]), np.random.default_rng([0, 1])
    return nn.Sequential(
        nn.Linear(40, 64, weights, dtype),
        nn.ReLU(),
        framework.Dropout(p, masks),
        nn.Linear(64, 64, weights, dtype),
        nn.ReLU(),
        framework.Dropout(p, masks),
        nn.Linear(64, 10, weights, dtype),
    )


@pytest.fixture
def data():
    # One data set for ever: no test here is about randomness. In fresh data some
    # activation may lie so near the kink of a ReLU that a finite difference, or the
    # rounding of the other framework, crosses it: rare, but not shown to be below 1e-9.
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, 40)), rng.integers(0, 10, 400)


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3}),
        ("Adam", {"lr": 1e-3}),
    ],
)
def test_both_frameworks_give_the_same_loss_curve(optimizer, settings, data):
    x, labels = data
    curves, models = [], []
    for framework, dtype, inputs in (
        (cn, np.float64, data),
        (ct, torch.float64, tuple(map(torch.as_tensor, data))),
    ):
        model = build(framework, dtype)
        steps = getattr(framework.nn, optimizer)(model.parameters(), **settings)
        curves.append(
            framework.nn.fit(
                model,
                *inputs,
                steps,
                epochs=STEPS // 8,
                batch_size=50,
                rng=np.random.default_rng(0),
                progress=False,
            )
        )
        models.append(model)
    assert len(curves[0]) == STEPS
    assert np.abs(curves[0] - curves[1]).max() < 1e-9
    assert curves[0][-8:].mean() < curves[0][:8].mean()  # and they learn
    ours = cn.nn.evaluate(models[0], x, labels)
    theirs = ct.nn.evaluate(models[1], torch.as_tensor(x), torch.as_tensor(labels))
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_the_proof_notices_another_mask(data):
    """The comparison above is worth nothing if other masks gave the same curve."""
    curves = []
    for seed in (0, 1):
        model = build(cn, np.float64)
        for layer in (model[2], model[5]):
            layer.rng = np.random.default_rng(seed)
        sgd = cn.nn.SGD(model.parameters(), lr=0.1)
        kwargs = {"epochs": 2, "batch_size": 50, "progress": False}
        curves.append(
            cn.nn.fit(model, *data, sgd, rng=np.random.default_rng(0), **kwargs)
        )
    assert np.abs(curves[0] - curves[1]).max() > 1e-3


def test_gradient_of_every_weight(data):
    """Central differences of the loss of the whole network, masks held fixed."""
    x, labels = data[0][:8], data[1][:8]
    model = build(cn, np.float64)
    loss = cn.nn.CrossEntropyLoss()

    def run():
        for layer in (model[2], model[5]):
            layer.rng = np.random.default_rng(7)
        return loss(model(x), labels)

    run()
    model.backward(loss.backward())
    for parameter in model.parameters():
        for index in list(np.ndindex(parameter.value.shape))[::97]:
            saved, eps = parameter.value[index], 1e-6
            parameter.value[index] = saved + eps
            above = run()
            parameter.value[index] = saved - eps
            slope = (above - run()) / (2 * eps)
            parameter.value[index] = saved
            assert parameter.grad[index] == pytest.approx(slope, abs=1e-7)


def test_gradient_of_the_input(data):
    x, labels = data[0][:4], data[1][:4]
    model = build(cn, np.float64).eval()
    loss = cn.nn.CrossEntropyLoss()
    loss(model(x), labels)
    error = gradient_error(
        lambda x: np.array([loss(model(x), labels)]),
        lambda dy: model.backward(loss.backward()) * dy,
        x,
        np.ones(1),
    )
    assert error < 1e-7


def test_relu_has_gradient_zero_at_zero():
    layer = cn.nn.ReLU()
    layer(np.array([-1.0, 0.0, 2.0]))
    assert layer.backward(np.ones(3)).tolist() == [0, 0, 1]


def test_cross_entropy_survives_large_logits():
    loss = cn.nn.CrossEntropyLoss()
    assert loss(np.array([[1e4, 0.0]]), np.array([0])) == 0
    assert loss(np.array([[1e4, 0.0]]), np.array([1])) == 1e4
    rows = np.array([[1e4, 0.0], [0.0, -1e4]])  # each has a largest one of its own
    assert loss(rows, np.array([0, 1])) == 5e3


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_softmax_is_exact_to_its_dtype_whatever_the_size_of_a_row(dtype, rng):
    """It is 1 / sum_j exp(z_j - z_i), and the gradient its difference from the labels."""
    z = (1000 * np.arange(3)[:, None] + rng.normal(0, 3, size=(3, 4))).astype(dtype)
    wide, labels = z.astype(np.longdouble), np.array([0, 3, 1])
    s = 1 / np.exp(wide[:, None] - wide[..., None]).sum(axis=-1)
    loss, close = cn.nn.CrossEntropyLoss(), {"rtol": 0, "atol": 8 * np.finfo(dtype).eps}
    assert loss(z, labels) == pytest.approx(-np.log(s[range(3), labels]).mean(), rel=1e-6)
    found, dz = cn.nn.softmax(z), loss.backward()
    assert found.dtype == dz.dtype == dtype
    np.testing.assert_allclose(found, s, **close)
    np.testing.assert_allclose(dz, (s - np.eye(4)[labels]) / 3, **close)


def test_softmax_acts_on_the_last_axis(rng):
    z = rng.normal(size=(2, 3, 4))
    assert np.array_equal(cn.nn.softmax(z)[1, 2], cn.nn.softmax(z[1, 2]))
    assert cn.nn.softmax(np.array([-np.inf, 0.0])).tolist() == [0, 1]
    assert cn.nn.softmax(np.ones((3, 0))).shape == (3, 0)


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_linear_keeps_its_dtype(framework):
    as32 = np.float32 if framework is cn else torch.float32
    layer = framework.nn.Linear(3, 2, np.random.default_rng(0), as32)
    x = np.ones((4, 3), np.float32)
    assert layer(x if framework is cn else torch.as_tensor(x)).dtype == as32


def test_linear_starts_from_the_same_weights():
    ours = cn.nn.Linear(5, 3, np.random.default_rng(0), np.float64)
    theirs = ct.nn.Linear(5, 3, np.random.default_rng(0), torch.float64)
    assert np.array_equal(ours.weight.value, theirs.weight.detach().numpy().T)
    assert np.array_equal(ours.bias.value, theirs.bias.detach().numpy())
    assert np.abs(ours.weight.value).max() <= 5**-0.5


def test_a_container_that_stands_twice_hides_nothing_behind_it(rng):
    model = cn.nn.Sequential()
    model.first = model.again = [cn.nn.ReLU()]
    model.last = cn.nn.Linear(2, 2, rng)
    assert model.modules() == [model, *model.first, model.last]
    assert model.parameters() == [model.last.weight, model.last.bias]


def test_first_weights_are_uniform_on_both_sides_of_zero(rng):
    layer = cn.nn.Linear(4, 100_000, rng)  # notices 0.01
    for values in (layer.weight.value, layer.bias.value):
        for share in (0.1, 0.5, 0.8):
            below = int((values < (2 * share - 1) / 2).sum())  # of ±1/sqrt(4)
            assert count_is_plausible(below, values.size, share)


def test_fit_shows_every_example_once_an_epoch(rng):
    seen = []

    class Recorder(cn.nn.Linear):
        def forward(self, x):
            seen.extend(x[:, 0].astype(int))
            return super().forward(x)

    model = Recorder(1, 2, rng, np.float64)
    x, labels = np.arange(10.0)[:, None], np.zeros(10, int)
    sgd = cn.nn.SGD(model.parameters(), lr=0.0)
    losses = cn.nn.fit(
        model, x, labels, sgd, epochs=2, batch_size=4, rng=rng, progress=False
    )
    assert len(losses) == 6
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:] or seen[:10] != list(range(10))


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
@pytest.mark.parametrize("training", [True, False])
def test_evaluate_switches_dropout_off_and_restores_the_mode(framework, training, data):
    dtype = np.float64 if framework is cn else torch.float64
    x, labels = data if framework is cn else map(torch.as_tensor, data)
    model = build(framework, dtype, p=0.8).train(training)
    first = framework.nn.evaluate(model, x, labels)
    assert framework.nn.evaluate(model, x, labels) == first
    assert model.training is training
    assert model[2].training is training


PROGRAM = """
import numpy as np
from companion.numpy import nn
model = nn.Sequential(nn.Linear(2, 2, np.random.default_rng(0)))
sgd = nn.SGD(model.parameters(), lr=0.1)
nn.fit(model, np.ones((7, 2)), np.zeros(7, int), sgd,
       epochs=1, batch_size=2, rng=np.random.default_rng(0){show})
"""


@pytest.mark.parametrize(
    ("show", "environment", "seen"),
    [("", {}, True), (", progress=False", {}, False), ("", {"TQDM_DISABLE": "1"}, False)],
)
def test_progress_bar_goes_to_stderr_and_can_be_hidden(show, environment, seen):
    kept = {k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(show=show)],
        env=kept | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ("4/4" in run.stderr and "step/s" in run.stderr) is seen
    assert seen or run.stderr == ""
    assert run.stdout == ""


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5), (2, 1, 3, 5), (0, 5)])
def test_linear_acts_on_the_last_axis_like_pytorchs(shape, rng):
    ours = cn.nn.Linear(5, 3, np.random.default_rng(0), np.float64)
    theirs = ct.nn.Linear(5, 3, np.random.default_rng(0), torch.float64)
    x, dy = rng.normal(size=shape), rng.normal(size=(*shape[:-1], 3))
    leaf = torch.tensor(x, requires_grad=True)
    y = theirs(leaf)
    y.backward(torch.tensor(dy))
    np.testing.assert_allclose(ours(x), y.detach(), rtol=1e-12, atol=1e-12)
    found = ours.backward(dy), ours.weight.grad, ours.bias.grad
    expected = leaf.grad, theirs.weight.grad.T, theirs.bias.grad
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("build", [
    lambda rng: cn.nn.Linear(5, 3, rng), lambda rng: cn.DropConnect(5, 3, 0.3, rng),
    lambda rng: cn.VariationalRNN(5, 3, 0.3, 0.3, rng),
])  # fmt: skip
def test_layers_name_the_features_they_expect(build, rng):
    layer = build(rng)
    for shape in ((2, 4), (2, 7, 4), (2, 1), (2, 7, 1), ()):
        with pytest.raises(ValueError, match="x must have shape"):
            layer(np.ones(shape))


@pytest.mark.parametrize("loss", [cn.nn.CrossEntropyLoss, lambda: cn.nn.RDropLoss(2.0)])
def test_losses_of_half_precision_are_rounded_once(loss, rng):
    """A sum of 70000 halves is infinite, and the loss was, too."""
    logits = [rng.normal(size=(3, 70_000)).astype(np.float16) for _ in range(2)]
    passes = logits if loss is not cn.nn.CrossEntropyLoss else logits[:1]
    labels, half, double = np.array([0, 5, 69_999]), loss(), loss()
    value = half(*passes, labels)
    assert value == pytest.approx(
        double(*(z.astype(float) for z in passes), labels), rel=1e-5
    )
    for dz, exact in zip(
        np.atleast_3d(half.backward()), np.atleast_3d(double.backward()), strict=True
    ):
        assert dz.dtype == np.float16
        np.testing.assert_allclose(dz.astype(float), exact, rtol=2e-3, atol=1e-7)


def test_a_negative_label_or_token_is_no_index_from_the_end(rng):
    for numbers in ([0, -1], [0, 3]):
        with pytest.raises(ValueError, match=r"labels must lie in \[0, 3\)"):
            cn.nn.CrossEntropyLoss()(np.zeros((2, 3)), np.array(numbers))
        with pytest.raises(ValueError, match=r"tokens must lie in \[0, 3\)"):
            cn.WordDropout(3, 2, 0.3, rng)(np.array(numbers))


OPTIMISERS = [
    lambda parameters: cn.nn.SGD(parameters, lr=0.1),
    lambda parameters: cn.nn.Adam(parameters, lr=0.1),
]


@pytest.mark.parametrize("optimizer", OPTIMISERS, ids=["SGD", "Adam"])
def test_optimisers_refuse_what_they_would_not_move_once(optimizer, rng):
    layer = cn.nn.Linear(2, 2, rng)
    with pytest.raises(ValueError, match="parameters must be different"):
        optimizer(layer.parameters() + layer.parameters())
    with pytest.raises(ValueError, match="parameters must not be empty"):
        optimizer(cn.nn.ReLU().parameters())
    for wrong in ([np.zeros(2)], [layer], "abc"):
        with pytest.raises(TypeError, match=r"parameters must be (Param|a sequence)"):
            optimizer(wrong)


@pytest.mark.parametrize("x", [[[1.0, 2.0]], None, 1.0, np.float64(1), np.array(1.0)])
def test_training_names_what_is_no_array_of_examples(x, rng):
    model = cn.nn.Sequential(cn.nn.Linear(2, 2, rng))
    sgd = cn.nn.SGD(model.parameters(), lr=0.1)
    kwargs = {"epochs": 1, "batch_size": 1, "rng": rng, "progress": False}
    for call in (
        lambda: cn.nn.fit(model, x, np.array([0]), sgd, **kwargs),
        lambda: cn.nn.evaluate(model, x, np.array([0])),
    ):
        with pytest.raises(TypeError, match="x must be a NumPy array of examples"):
            call()


def test_labels_may_come_as_a_list(rng):
    model = cn.nn.Sequential(cn.nn.Linear(2, 2, rng))
    sgd = cn.nn.SGD(model.parameters(), lr=0.0)
    kwargs = {"epochs": 1, "batch_size": 2, "rng": rng, "progress": False}
    x, labels = np.ones((2, 2), np.float32), [0, 1]
    (loss,) = cn.nn.fit(model, x, labels, sgd, **kwargs)
    assert loss == pytest.approx(cn.nn.evaluate(model, x, np.array(labels))[0])


@pytest.mark.parametrize("mode", ["False", None, [False], 0, 1.0])
def test_a_mode_is_true_or_false(mode):
    with pytest.raises(TypeError, match="mode must be True or False"):
        cn.nn.ReLU().train(mode)


@pytest.mark.parametrize("labels", [
    None, 0, "0", 0.25, [0.0, 1.0], np.array([0, None]), np.array(0), [[0], [1]],
    np.ma.masked_array([0, 1], [True, False]),
])  # fmt: skip
def test_training_names_what_are_no_labels(labels, rng):
    model, x = cn.nn.Sequential(cn.nn.Linear(2, 2, rng)), np.ones((2, 2))
    sgd = cn.nn.SGD(model.parameters(), lr=0.1)
    kwargs = {"epochs": 1, "batch_size": 1, "rng": rng, "progress": False}
    for call in (
        lambda: cn.nn.fit(model, x, labels, sgd, **kwargs),
        lambda: cn.nn.evaluate(model, x, labels),
        lambda: cn.nn.CrossEntropyLoss()(x, labels),
        lambda: cn.nn.RDropLoss(1.0)(x, x, labels),
    ):
        with pytest.raises(
            (TypeError, ValueError), match=r"labels .*(must|shape)"
        ) as info:
            call()
        assert "companion" in str(info.traceback[-1].path)


@pytest.mark.parametrize("bad", [None, "0", 1.0, [[0.0, 1.0]], np.ones((1, 2), int)])
def test_the_distance_of_two_passes_names_the_one_that_is_none(bad):
    good, labels = np.ones((1, 2)), np.array([0])
    for name, passes in (("first", (bad, good)), ("second", (good, bad))):
        with pytest.raises(TypeError, match=f"{name} must be a NumPy array of floats"):
            cn.nn.RDropLoss(1.0)(*passes, labels)


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_a_batch_size_of_eight_bits_counts_like_any_other(framework, rng):
    """In eight bits 200 + 100 is 44: examples would be missed."""
    x, labels = np.ones((300, 2), np.float32), np.zeros(300, int)
    if framework is ct:
        x, labels = torch.tensor(x), torch.tensor(labels)
    losses = []
    for batch_size in (np.uint8(100), np.int8(100), 100):
        weights, order = np.random.default_rng(0), np.random.default_rng(1)
        model = framework.nn.Sequential(framework.nn.Linear(2, 2, weights))
        sgd = framework.nn.SGD(model.parameters(), lr=0.1)
        kwargs = {"epochs": 2, "batch_size": batch_size, "rng": order, "progress": False}
        losses.append(framework.nn.fit(model, x, labels, sgd, **kwargs))
    assert len(losses[0]) == 6
    assert np.array_equal(losses[0], losses[2])
    assert np.array_equal(losses[1], losses[2])


@pytest.mark.parametrize("progress", [None, "False", [True], 1])
def test_progress_is_true_or_false(progress, rng):
    model, x = cn.nn.Sequential(cn.nn.Linear(2, 2, rng)), np.ones((2, 2))
    sgd = cn.nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="progress must be True or False"):
        cn.nn.fit(model, x, np.zeros(2, int), sgd, epochs=1, batch_size=1, rng=rng,
                  progress=progress)  # fmt: skip


@pytest.mark.parametrize("betas", [None, 0.9, (0.9,), (0.9, 0.9, 0.9), "09"])
def test_adam_names_what_are_no_two_betas(betas, rng):
    with pytest.raises(TypeError, match="betas must be a tuple of two numbers"):
        cn.nn.Adam(cn.nn.Linear(2, 2, rng).parameters(), lr=0.1, betas=betas)


@pytest.mark.parametrize(
    "value", [None, 1.0, [0.0], np.zeros(2, int), np.zeros(2, complex)]
)
def test_a_parameter_is_an_array_of_floats(value):
    """Of integers an update would be rounded away."""
    with pytest.raises(TypeError, match="value must be a NumPy array of floats"):
        cn.nn.Parameter(value)


REALS = [Fraction, np.float64, np.float32, np.longdouble, np.float16]


@pytest.mark.parametrize("real", REALS)
def test_optimisers_and_losses_count_in_any_real_type(real):
    """Half is exact in all of them, so every weight must be that of a plain float."""

    def moved(half):
        weights = []
        for optimizer in (
            lambda p: cn.nn.SGD(p, lr=half, momentum=half, weight_decay=half),
            lambda p: cn.nn.Adam(p, lr=half, betas=(half, half), eps=half),
        ):
            weight = cn.nn.Parameter(np.array([1.0, -3.0], np.float32))
            steps = optimizer([weight])
            for _ in range(3):
                weight.grad = weight.value + np.float32(0.1)
                steps.step()
            weights.append(weight.value)
        for framework, of in ((cn, np.array), (ct, torch.tensor)):
            z, labels = of([[1.0, 2.0]]), of([0])
            weights.append(framework.nn.RDropLoss(half)(z, z * z, labels))
        return weights

    for one, other in zip(moved(real(0.5)), moved(0.5), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("framework", [cn, ct], ids=["numpy", "torch"])
def test_a_class_hidden_from_both_passes_is_no_distance(framework):
    """A logit of -inf: the loss and its gradient are those without the class."""
    of = np.array if framework is cn else torch.tensor
    full = [[[1.0, 2.0, -np.inf], [0.5, -1.0, -np.inf]], [[0.0, 3.0, -np.inf]] * 2]
    labels, found = of([0, 1]), []
    for classes in (3, 2):
        logits = [of([row[:classes] for row in rows]) for rows in full]
        loss = framework.nn.RDropLoss(0.7)
        if framework is cn:
            found.append((loss(*logits, labels), *loss.backward()))
        else:
            logits = [z.requires_grad_() for z in logits]
            value = loss(*logits, labels)
            value.backward()
            found.append((value.item(), *(z.grad.numpy() for z in logits)))
    (hidden, *gradients), (without, *others) = found
    assert np.isclose(hidden, without, rtol=1e-6)
    for gradient, other in zip(gradients, others, strict=True):
        assert np.allclose(gradient[:, :2], other, rtol=1e-5)
        assert not gradient[:, 2].any()


def test_training_puts_no_gradient_on_the_examples(rng):
    x = torch.ones(4, 3, requires_grad=True)
    model = ct.nn.Sequential(ct.nn.Linear(3, 2, rng))
    steps = ct.nn.SGD(model.parameters(), lr=0.1)
    ct.nn.fit(model, x, torch.zeros(4).long(), steps, epochs=1, batch_size=2, rng=rng,
              progress=False)  # fmt: skip
    assert x.grad is None
