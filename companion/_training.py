"""What the training loops of both frameworks share: first weights, batches, modes."""

import contextlib

from companion._arguments import check_count, check_flag, check_generator


def initial_weights(in_features, out_features, rng):
    """Draw weight (in, out) and bias (out,) in float64; both frameworks start here.

    Uniform on ±1/sqrt(in_features), the default of `torch.nn.Linear`.
    """
    in_features = check_count("in_features", in_features)
    out_features = check_count("out_features", out_features)
    check_generator(rng)
    bound = in_features**-0.5
    weight = rng.uniform(-bound, bound, (in_features, out_features))
    return weight, rng.uniform(-bound, bound, out_features)


def batches(n, batch_size, epochs, rng):
    """Return an iterator over arrays of indices, every example once an epoch.

    Both frameworks use it, so that one seed gives both the same batches. The
    last batch of an epoch may be smaller.
    """
    check_count("n", n)
    batch_size = check_count("batch_size", batch_size)
    check_count("epochs", epochs)
    check_generator(rng)
    return (
        order[start : start + batch_size]
        for order in (rng.permutation(n) for _ in range(epochs))
        for start in range(0, n, batch_size)
    )


@contextlib.contextmanager
def only_training(model, layers):
    """Put these layers of a model into training and all its others into evaluation."""
    with modes_restored(model):
        # Flag by flag: `model.eval()` of PyTorch never ends in a model with a link back.
        chosen = set(map(id, layers))
        for module in model.modules():
            module.training = id(module) in chosen
        yield model


@contextlib.contextmanager
def modes_restored(model):
    """Give every module of a model back the mode it had, whatever happens inside."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def progress_bar(iterable, total, show):
    """Wrap an iterable of `total` steps in a bar that shows the time left."""
    check_flag("progress", show)
    if not show:
        return iterable
    from tqdm import tqdm  # here, so that importing the companion stays quick

    # Not disable=False: that would override the environment variable TQDM_DISABLE.
    return tqdm(iterable, total=total, unit="step")
