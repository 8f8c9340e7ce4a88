"""For each claim with evidence: its opposite, put in before the cell that decides it.

Name by name what a cell reads is replaced: a layer by a mutated one, a table by a made-up
one. What was trained is `known`: read from the table that is stored below the study, or
made up, so that nothing is trained.
"""

from typing import NamedTuple


class Opposite(NamedTuple):
    """The page and the cell, what is put in, and what is known beforehand."""

    page: str
    cell: str
    put_in: str
    known: str = ""


REPLACED = """
from types import SimpleNamespace
cn = SimpleNamespace(**vars(cn))
"""
HIDDEN = "02-core-concepts/hidden-units"
SURE = "05-practice/sure-or-right"
STEPS = "05-practice/training-with-dropout"
HURTS = "08-outlook/where-dropout-hurts"
SPREAD = "08-outlook/wider-longer-steadier"

OPPOSITES = {
    "C02": [
        Opposite(  # it stops overfitting: no gap is left
            SURE,
            "c05s-04",
            "curves = curves.but(gap, 'p = 0.5', -0.1, 0.1)",
            "curves = stored('c05s-03')\ngap = 'test - training loss, nats'",
        ),
        Opposite(  # it does nothing against it
            SURE,
            "c05s-04",
            "curves = curves.but(loss, 'p = 0.5 - p = 0', -0.1, 0.1)",
            "curves = stored('c05s-03')",
        ),
    ],
    "C06": [
        Opposite(  # units lost cost as much as without
            HIDDEN,
            "c02u-05",
            "lost = 'points lost without 30 % of the units'\n"
            "units = units.but(lost, 'p = 0.2 - p = 0', -1, 1)",
            "units = stored('c02u-03')",
        ),
        Opposite(  # sturdier in general: noise on the inputs costs far less
            HIDDEN,
            "c02u-07",
            "lost = 'points lost to input noise'\n"
            "units = units.but(lost, 'p = 0.2 - p = 0', -9, -7)",
            "units = stored('c02u-03')",
        ),
    ],
    "C07": [
        Opposite(  # it selects: exact zeros are never dropped
            "02-core-concepts", "c02-012b", REPLACED + "cn.Dropout = SparesZeros"
        )
    ],
    "C09": [
        Opposite(  # what is dropped is reset
            "02-core-concepts",
            "c02-047",
            "right = net_numpy\n"
            "class Wiping(cn.Dropout):\n"
            "    def forward(self, x):\n"
            "        y = super().forward(x)\n"
            "        self.above.weight.value[~self.mask.all(axis=0)] = 0\n"
            "        return y\n"
            "def net_numpy(p, seed):\n"
            "    net = right(p, seed)\n"
            "    layer = Wiping(p, np.random.default_rng(1))\n"
            "    layer.above = net[3]\n"
            "    return cn.nn.Sequential(net[0], net[1], layer, net[3])",
        )
    ],
    "C10": [
        Opposite(  # the reset to zero does what absence does
            "02-core-concepts",
            "c02-066",
            "other = {'no reset': 'to zero', 'to zero': 'no reset'}\n"
            "paths = {(p, hide, other.get(name, name)): path\n"
            "    for (p, hide, name), path in paths.items()}",
        )
    ],
    "C11": [
        Opposite(  # one draw for each unit, whatever the example
            "03-algorithm",
            "c03-016",
            REPLACED + "class OneForAll(cn.Dropout):\n"
            "    def mask_shape(self, shape):\n"
            "        return (1, *shape[1:])\n"
            "cn.Dropout = OneForAll",
        )
    ],
    "C12": [
        Opposite(  # a step resets
            "03-algorithm",
            "c03-064",
            REPLACED + "cn.nn = SimpleNamespace(**vars(cn.nn))\ncn.nn.SGD = Reset",
        )
    ],
    "C13": [
        Opposite(  # plain descent moves the weights of a dropped unit
            "03-algorithm",
            "c03-071",
            "optimisers['plain SGD'] = 'SGD', {'momentum': 0.9}",
        ),
        Opposite(  # momentum leaves them alone
            "03-algorithm", "c03-071", "optimisers['momentum 0.9'] = 'SGD', {}"
        ),
    ],
    "C14": [
        Opposite(  # p keeps
            "03-algorithm",
            "c03-089",
            "right = zeros_of\ndef zeros_of(p):\n    return right(1 - p)",
        )
    ],
    "C16": [
        Opposite(  # no scale is needed
            "03-algorithm",
            "c03-082",
            "def no_scale(x, mask, q):\n    return inverted(x, mask, q)",
        )
    ],
    "C17": [
        Opposite(  # the mask alone is the gradient
            "03-algorithm", "c03-045", "def autograd(x, dy, m, p):\n    return m * dy"
        )
    ],
    "C19": [Opposite("04-mathematics", "c04-017", "ours = two_levels")],
    "C20": [
        Opposite(  # the activation is Bernoulli with parameter p
            "04-mathematics",
            "c04-009",
            "y = {p: keep_mask(size, 1 - p, rng) * 1.0 for p in RATES}",
        )
    ],
    "C21": [
        Opposite(  # a kept value stays as it is
            "04-mathematics",
            "c04-019",
            "y = {p: np.where(masks[p], x, 0.0) for p in RATES}",
        )
    ],
    "C22": [
        Opposite(  # the article's formula keeps the mean
            "04-mathematics", "c04-030", "article = X10"
        ),
        Opposite(  # the library computes what the article writes
            "04-mathematics",
            "c04-032",
            "from types import SimpleNamespace\n"
            "F = SimpleNamespace(dropout=lambda x, p: x * (torch.rand(x.shape) >= p))",
        ),
    ],
    "C23": [
        Opposite(  # no conversion is needed
            "04-mathematics",
            "c04-064",
            "right = difference\ndef difference(p, a, b):\n    return right(p, 1, 2)",
        ),
        Opposite(  # no conversion is enough
            "04-mathematics",
            "c04-064",
            "right = difference\ndef difference(p, a, b):\n    return right(p, 0, 0)",
        ),
    ],
    "C24": [
        Opposite(  # weight scaling gives the arithmetic mean
            "04-mathematics",
            "c04-084",
            "right = gaps\ndef gaps(net, p):\n    return right(net, p)[::-1]",
        )
    ],
    "C25": [
        Opposite(  # the snippet learns
            "05-practice",
            "c05-046",
            "from types import SimpleNamespace\n"
            "snippet = SimpleNamespace(fit=lambda *data, verbose: None)",
        )
    ],
    "C26": [
        Opposite(  # the argument is the chance to be kept
            "05-practice",
            "c05-040",
            "right = in_training\ndef in_training(h, p):\n    return right(h, 1 - p)",
        )
    ],
    "C29": [
        Opposite(  # it helps an underfitting network, too
            HURTS,
            "c08h-06",
            "hurt = hurt.but('accuracy, points', f'{ONCE}: standard - none', 1, 3)",
            "KINDS, (ONCE, OFTEN) = fits.KINDS, fits.SITUATIONS\n"
            "hurt = stored('c08h-03')",
        ),
        Opposite(  # it never helps
            HURTS,
            "c08h-06",
            "hurt = hurt.but('accuracy, points', f'{OFTEN}: standard - none', -3, -1)",
            "KINDS, (ONCE, OFTEN) = fits.KINDS, fits.SITUATIONS\n"
            "hurt = stored('c08h-03')",
        ),
    ],
    "C34": [
        Opposite(  # dropped units are not computed
            "08-outlook",
            "c08-018",
            "class Counted(float):\n"
            "    products = 0\n"
            "    def __mul__(self, other):\n"
            "        Counted.products += self != 0\n"
            "        return float(self) * other",
        )
    ],
    "C36": [
        Opposite(  # no more steps
            STEPS,
            "c05t-05",
            "name = 'steps to 1.3 nats, ratio'\n"
            "steps = steps.but(name, 'p = 0.2, 80 units', 0.9, 1.1)",
            "steps = stored('c05t-03')",
        )
    ],
    "C37": [
        Opposite(  # less noise saves no steps
            "09-faq",
            "c09-024",
            "reached['calm'] = reached['noisy'] - 0.1",
            "reached = {'plain': np.array([2.7, 2.8, 2.9])}\n"
            "reached['noisy'] = np.array([5.0, 5.2, 5.4])\n"
            "reached['calm'] = np.array([3.5, 3.6, 3.6])\n"
            "cost = [1.2] * 8",
        ),
        Opposite(  # the work of a step costs more than the steps
            "09-faq",
            "c09-024",
            "cost[3] = 2.5",
            "reached = {'plain': np.array([2.7, 2.8, 2.9])}\n"
            "reached['noisy'] = np.array([5.0, 5.2, 5.4])\n"
            "reached['calm'] = np.array([3.5, 3.6, 3.6])\n"
            "cost = [1.2] * 8",
        ),
    ],
    "C38": [
        Opposite(  # the weights of a dropped unit are wiped
            "09-faq", "c09-029", "W[:, ~mask[0]] = V[:, ~mask[0]] = 0"
        )
    ],
    "C39": [
        Opposite(  # the loss is spread as widely
            SPREAD,
            "c08w-13",
            "ratio['loss', 0.2] = ratio['error', 0.2]",
            "spread = stored('c08w-09')",
        ),
        Opposite(  # the error is spread less
            SPREAD,
            "c08w-12",
            "ratio['error', 0.2] = ratio['loss', 0.2]",
            "spread = stored('c08w-09')",
        ),
    ],
    "C40": [
        Opposite(  # the steadiest rate has the lowest error
            SPREAD,
            "c08w-15",
            "name = 'mean error, points'\n"
            "spread = spread.but(name, 'p = 0.5 - p = 0', -4, -2)",
            "spread = stored('c08w-09')",
        )
    ],
    "C41": [
        Opposite(  # the switch reaches every module
            "09-faq", "c09-053", "AlwaysOn = Mended"
        ),
        Opposite(  # the order does not matter
            "09-faq", "c09-093", "by_layer = dict.fromkeys(RATES, 1.0)"
        ),
        Opposite(  # after each normalisation is as good as after the last
            "09-faq", "c09x-02", "def after_two(p):\n    return 1.0"
        ),
    ],
}
