"""What was handed to `verify`: its framework, its kind, and how to call or build it."""

import inspect
import sys
from typing import NamedTuple

import numpy as np

from companion.verify._kinds import CASES, DEFAULTS
from companion.verify.contract import PROPERTIES

KINDS = sorted({one.needs[0] for one in PROPERTIES if one.topic != "models"})
WEIGHTED = {one.needs[0] for one in PROPERTIES if one.topic == "weighted"}
# What PyTorch and timm call them, and the number of axes of x where only one will do.
OF_OTHERS = {
    "Dropout1d": ("ChannelDropout", 3),
    "Dropout2d": ("ChannelDropout", 4),
    "Dropout3d": ("ChannelDropout", 5),
    "FeatureAlphaDropout": ("ChannelAlphaDropout", None),
    "dropout1d": ("ChannelDropout", 3),
    "dropout2d": ("ChannelDropout", 4),
    "dropout3d": ("ChannelDropout", 5),
    "alpha_dropout": ("AlphaDropout", None),
    "feature_alpha_dropout": ("ChannelAlphaDropout", None),
    "drop_path": ("DropPath", None),
}
# What holds a layer and cannot be built from a rate.
WRAPPERS = {"Sequential", "ModuleList", "ScriptModule", "OptimizedModule"}
RATE_NAMES = ("p", "rate", "drop_prob", "drop_rate", "dropout")
GENERATORS = ("rng", "generator")  # what a constructor may call its source of masks
P = 0.3  # the rate at which things are tried
BUILDER = (
    "Pass a function that builds it: verify(lambda p, rng: ..., kind='Dropout'), "
    "without rng if it draws from PyTorch's global generator."
)


class Judged(NamedTuple):
    """What is looked at: `make(p, rng, **options)` builds a layer over arrays.

    `target` is what the contract looks at under the name of the kind: a function over
    arrays, or `make`. Where a function has no layer, `make` is None.
    """

    kind: str
    framework: str
    form: str
    target: object
    make: object
    left_out: dict


def recognise(dropout, kind=None, framework=None):
    """Return what was handed in as `Judged`, or raise."""
    if framework not in (None, "numpy", "torch"):
        raise ValueError(f"framework must be 'numpy' or 'torch'; got {framework!r}.")
    if not callable(dropout):
        raise TypeError(
            "dropout must be a function, a layer or the class of one; got "
            f"{dropout!r}. Pass for example companion.numpy.Dropout."
        )
    guessed, axes = _kind_of(dropout)
    kind = guessed if kind is None else kind
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}.")
    is_layer = _is_layer(dropout)
    if is_layer and not kind[0].isupper():
        raise ValueError(f"kind must be that of a layer for {dropout!r}; got {kind!r}.")
    if not is_layer and not kind[0].isupper() and kind != "dropout":
        return _other_function(dropout, kind, framework)
    if kind in WEIGHTED:
        return _weighted(dropout, kind)
    if is_layer or (kind != "dropout" and _takes_source(dropout) is None):
        form, maker = _layer(dropout, axes)
    else:
        form, maker = "function", _function(dropout, axes)
    return _judged(maker, kind, form, framework)


def _is_layer(dropout):
    return isinstance(dropout, type) or all(
        hasattr(dropout, m) for m in ("train", "eval")
    )


def _kind_of(dropout):
    """Return the kind that a function's name or one of the classes' names says."""
    is_layer = _is_layer(dropout)
    names = [getattr(dropout, "__name__", "")]
    if is_layer:
        cls = dropout if isinstance(dropout, type) else type(dropout)
        names = [one.__name__ for one in cls.__mro__]
    for name in names:
        kind, axes = OF_OTHERS.get(name, (name, None))
        if kind in KINDS:
            return kind, axes
    return ("Dropout" if is_layer else "dropout"), None


def import_adapters():
    """Return the module that needs PyTorch."""
    from companion.verify import adapters

    return adapters


class Maker:
    """Builds layers over arrays with (p, rng, **options), whatever is handed in.

    `build(p, source, options)` makes one that draws from a source; `parameters` are
    those that an option must be among; `kept` is what all layers are built with.
    """

    def __init__(self, handed_in, build, parameters, takes_source, axes):
        self.handed_in, self.build, self.parameters = handed_in, build, parameters
        self.takes_source, self.axes, self.kept = takes_source, axes, {}
        self.framework, self.own_generator = "numpy", False
        self.driven = not takes_source  # by rng, through PyTorch's global generator
        self.left_out = {}

    def __call__(self, p, rng, **options):
        own = []
        if self.own_generator:
            own = [import_adapters().torch.Generator()]
        layer = self.build(p, own[0] if own else rng, {**self.kept, **options})
        if self.framework == "numpy":
            return layer
        driven = [rng, *own] if own or self.driven else []
        return import_adapters().ArrayLayer(layer, *driven)

    def refusal(self, case):
        """Say why a case cannot be looked at, or return None."""
        if self.axes not in (None, len(case.shape)):
            return f"x with {len(case.shape)} axes", f"the layer takes {self.axes}"
        for name, value in {**DEFAULTS, **case.options}.items():
            if name in case.options and not {name, "**"} & self.parameters.keys():
                return f"{name}={value}", "there is no such argument"
            if self.kept.get(name, value) != value:
                return f"{name}={value}", f"the layer has {self.kept[name]}"
        return None

    def accepts(self, case):
        """Can a case be looked at?"""
        return self.refusal(case) is None


def _parameters(make):
    """Return the parameters of a constructor by name, ** for an open end."""
    for cls in getattr(make, "__mro__", [make, None])[:-1]:
        found = inspect.signature(cls).parameters
        if not any(one.kind is one.VAR_POSITIONAL for one in found.values()):
            break  # and not one that hands its *args on to the next class
    return {
        "**" if one.kind is one.VAR_KEYWORD else name: one for name, one in found.items()
    }


# Functions ----------------------------------------------------------------------------
class Applied:
    """A function as a layer."""

    training = True

    def __init__(self, function, p, arguments, options):
        self.function, self.p = function, p
        self.arguments, self.options = arguments, options

    def train(self):
        self.training = True

    def eval(self):
        self.training = False

    def __call__(self, x):
        options = {"training": self.training, **self.options}
        return self.function(x, self.p, *self.arguments, **options)


def _function(function, axes):
    """Return what makes layers of a function, if it is called as dropout is."""
    takes_source = _takes_source(function)
    if takes_source is None:
        raise TypeError(
            "dropout must be called as dropout(x, p, rng, training=True), or without rng "
            f"if it takes tensors; got {function!r}. Wrap it, for example: lambda x, p, "
            "rng, *, training: mine(x, p) if training else x. If it builds a layer, "
            "pass its kind, such as kind='Dropout'."
        )

    def build(p, source, options):
        of = Applied if maker.framework == "numpy" else import_adapters().Applied
        return of(function, p, [source] if takes_source else [], options)

    maker = Maker(function, build, _parameters(function), takes_source, axes)
    return maker


def _takes_source(function):
    """Say whether a function takes a generator after p; None if it is no dropout."""
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except ValueError:  # some built-in functions have none
        return None
    for takes_source, arguments in ((True, (0, P, 0)), (False, (0, P))):
        try:
            signature.bind(*arguments, training=True)
        except TypeError:
            continue
        return takes_source
    return None


def _other_function(function, kind, framework):
    """Return a function that is handed its mask, or that draws one."""
    of_torch = str(getattr(function, "__module__", "")).startswith("companion.torch")
    framework = framework or ("torch" if of_torch else "numpy")
    if framework == "torch":
        function = import_adapters().over_arrays(function)
    return Judged(kind, framework, "function", function, None, {})


# Layers -------------------------------------------------------------------------------
def _layer(dropout, axes):
    """Return the form, and what makes layers of a class, a layer or a builder."""
    make, form = dropout, "function that builds a layer"
    if isinstance(dropout, type):
        form = "class"
    elif _is_layer(dropout):
        make, form = type(dropout), "layer"
        if WRAPPERS & {cls.__name__ for cls in make.__mro__}:
            raise TypeError(
                "dropout must be built again with other rates, and this holds another "
                f"layer; got {dropout!r}. {BUILDER}"
            )
    parameters = _parameters(make)
    rate = next((name for name in RATE_NAMES if name in parameters), None)
    generator = next((name for name in GENERATORS if name in parameters), None)

    def build(p, source, options):
        named = {rate: p} if rate else {}
        named |= {generator: source} if generator else {}
        return make(*() if rate else (p,), **named, **options)

    maker = Maker(dropout, build, parameters, generator is not None, axes)
    maker.driven |= make is dropout and form != "class"  # lambda p, rng: nn.Dropout(p)
    if form == "layer":
        _keep_arguments(maker, dropout, {rate or next(iter(parameters), None), generator})
    return form, maker


def _keep_arguments(maker, layer, given):
    """Note what a layer was built with, as far as it keeps it under the same names."""
    for name, one in maker.parameters.items():
        if name in given or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        if hasattr(layer, name):
            maker.kept[name] = getattr(layer, name)
        elif one.default is not one.empty:
            why = "it does not keep it; the default was used"
            maker.left_out[f"{name} of the layer"] = why
        else:
            raise TypeError(
                f"dropout must keep its argument {name!r}, so that it can be built with "
                f"other rates; got {layer!r}. {BUILDER}"
            )


def _weighted(cls, kind):
    """Return a class that is built with sizes, as its namesake in the companion is."""
    if not isinstance(cls, type):
        raise TypeError(f"dropout must be the class of a {kind}; got {cls!r}.")
    if _is_module(cls):
        return Judged(kind, "torch", "class", import_adapters().layer_of(cls), None, {})
    return Judged(kind, "numpy", "class", cls, None, {})


def _is_module(layer):
    torch = sys.modules.get("torch")
    cls = layer if isinstance(layer, type) else type(layer)
    return torch is not None and issubclass(cls, torch.nn.Module)


# Both ---------------------------------------------------------------------------------
def _judged(maker, kind, form, framework):
    """Find out in which framework, and with which generator, the layers work."""
    cases = CASES.get(kind, [])
    maker.left_out.update(filter(None, map(maker.refusal, cases)))
    accepted = [case for case in cases if maker.accepts(case)]
    if cases and not accepted:
        raise ValueError(
            f"dropout must be buildable as a {kind} is; got {maker.handed_in!r}: "
            f"{maker.left_out}. Pass the class, or another kind."
        )
    layer = _settle(maker, form, framework, (accepted or CASES["Dropout"])[0])
    if not all(hasattr(layer, name) for name in ("train", "eval")):
        raise TypeError(
            f"dropout must have train() and eval(); got {maker.handed_in!r}. Wrap it: "
            "dropout(x, p, rng, training=True)."
        )
    if framework not in (None, maker.framework):
        raise ValueError(
            f"framework must be {maker.framework!r} for {maker.handed_in!r}; got "
            f"{framework!r}."
        )
    if not hasattr(layer, "backward"):
        names = [one.name for one in PROPERTIES if one.needs[0] == kind]
        names = ["gradient", *(name for name in names if "derivative" in name)]
        maker.left_out.update(dict.fromkeys(names, "it has no backward"))
    target = maker
    if kind == "dropout":
        target = _as_function(maker)
        if "mask_shape" not in maker.parameters:
            why = "the function has no argument mask_shape"
            maker.left_out["mask_shape_shares_draws"] = why
    return Judged(kind, maker.framework, form, target, maker, maker.left_out)


def _settle(maker, form, framework, case):
    """Set how `maker` makes layers, and return one of those that work, or the first."""
    ways = [("numpy", False)] if maker.takes_source else []
    if framework == "torch" or sys.modules.get("torch"):
        ways += [("torch", False), ("torch", True)][: 1 + maker.takes_source]
    if form == "function":
        ways = [way for way in ways if framework in (None, way[0])]
    built, why = [], "it takes neither rng nor generator"
    for way in ways:
        maker.framework, maker.own_generator = way
        try:
            layer = maker(P, np.random.default_rng(0), **case.options)
            if _is_module(layer):
                continue
            built.append((*way, layer))
            if isinstance(layer(np.ones(case.shape)), np.ndarray):
                return layer
        except ModuleNotFoundError:  # what is not installed is no way to call it
            raise
        except Exception as error:  # whatever it raises: this is not the way
            if _is_module(maker.handed_in) is (way[0] == "torch"):
                why = error
    if not built:
        raise TypeError(_why_not_built(maker, form, why))
    if form == "function" and framework is None and len(ways) > 1:
        maker.left_out["it on tensors"] = (
            "it works neither with arrays nor with tensors; pass framework='torch' to "
            "see what is wrong with tensors"
        )
    maker.framework, maker.own_generator, layer = built[0]
    return layer


def _why_not_built(maker, form, why):
    if form == "function":
        return (
            "dropout must take a generator, as in dropout(x, p, rng, training=True); "
            f"got {maker.handed_in!r}. If it takes tensors, pass framework='torch'."
        )
    return (
        f"dropout must be built from p and rng; got {maker.handed_in!r}: {why}. {BUILDER}"
    )


def _as_function(maker):
    def function(x, p, rng, *, training=True, **options):
        layer = maker(p, rng, **options)
        layer.train() if training else layer.eval()
        return layer(x)

    return function
