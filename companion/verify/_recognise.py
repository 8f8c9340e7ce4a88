"""What was handed to `verify`: its framework, its kind, and how to call or build it."""

import inspect
import sys
from typing import NamedTuple

import numpy as np

from companion._arguments import check_generator
from companion.verify._kinds import CASES, DEFAULTS, ELEMENTS
from companion.verify.contract import PROPERTIES

KINDS = sorted({one.needs[0] for one in PROPERTIES if one.topic != "models"})
WEIGHTED = {one.needs[0] for one in PROPERTIES if one.topic == "weighted"}
# What PyTorch calls them, and the number of axes of x where only one will do.
OF_PYTORCH = {
    "Dropout1d": ("ChannelDropout", 3),
    "Dropout2d": ("ChannelDropout", 4),
    "Dropout3d": ("ChannelDropout", 5),
    "FeatureAlphaDropout": ("ChannelAlphaDropout", None),
}
GENERATORS = ("rng", "generator")  # what a constructor may call its source of masks
P = 0.3  # the rate at which things are tried


class Judged(NamedTuple):
    """What the properties look at: `target` calls or builds it, over NumPy arrays."""

    kind: str
    framework: str
    form: str
    target: object
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
    if kind[0].isupper():
        return _layer(dropout, kind, framework, axes)
    if _is_layer(dropout):
        raise ValueError(f"kind must be that of a layer for {dropout!r}; got {kind!r}.")
    if kind == "dropout":
        return _function(dropout, framework)
    return _other_function(dropout, kind, framework)


def _is_layer(dropout):
    return isinstance(dropout, type) or all(
        hasattr(dropout, m) for m in ("train", "eval")
    )


def _kind_of(dropout):
    """Return the kind that a function's name or one of the classes' names says."""
    if not _is_layer(dropout):
        name = getattr(dropout, "__name__", "")
        return (name if name in KINDS else "dropout"), None
    for cls in (dropout if isinstance(dropout, type) else type(dropout)).__mro__:
        name, axes = OF_PYTORCH.get(cls.__name__, (cls.__name__, None))
        if name in KINDS:
            return name, axes
    return "Dropout", None


def import_adapters():
    """Return the module that needs PyTorch."""
    from companion.verify import adapters

    return adapters


def _first_that_works(candidates, attempt, expected):
    """Return the first candidate for which `attempt` gives what is expected, or None."""
    for candidate in candidates:
        try:
            if isinstance(attempt(candidate), expected):
                return candidate
        except ModuleNotFoundError:  # what is not installed is no way to call it
            raise
        except Exception:  # whatever it raises: this is not the way to call it
            continue
    return None


def _rng():
    return np.random.default_rng(0)  # for trials: the judge's generator must not move


# Functions ----------------------------------------------------------------------------
def _function(function, framework):
    """Try a function on arrays, then on tensors; NumPy if nothing works."""
    takes_rng, has_mask_shape = _signature(function)
    left_out = {}
    if not has_mask_shape:
        left_out["mask_shape_shares_draws"] = "the function has no argument mask_shape"
    ways = [("numpy", function)] if takes_rng and framework != "torch" else []
    if framework == "torch" or (framework is None and sys.modules.get("torch")):
        if takes_rng:
            ways.append(("torch", import_adapters().over_arrays(function)))
        ways.append(("torch", _driven(function, takes_rng)))
    if not ways:
        raise TypeError(
            "dropout must take a generator, as in dropout(x, p, rng, training=True); "
            f"got {function!r}. If it takes tensors, pass framework='torch'."
        )

    def attempt(way):
        return way[1](np.ones(ELEMENTS.shape), P, _rng(), training=True)

    found = _first_that_works(ways, attempt, np.ndarray)
    if found is None and framework is None and len(ways) > 1:
        left_out["it on tensors"] = (
            "it works neither with arrays nor with tensors; pass framework='torch' to "
            "see what is wrong with tensors"
        )
    framework, target = found or ways[0]
    return Judged("dropout", framework, "function", target, left_out)


def _signature(function):
    """Say whether a function takes a generator, and whether it takes mask_shape."""
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except ValueError:  # some built-in functions have none
        return True, False
    parameters = signature.parameters.values()
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters)
    has_mask_shape = open_ended or "mask_shape" in signature.parameters
    for takes_rng, arguments in ((True, (0, P, 0)), (False, (0, P))):
        try:
            signature.bind(*arguments, training=True)
        except TypeError:
            continue
        return takes_rng, has_mask_shape
    raise TypeError(
        "dropout must be called as dropout(x, p, rng, training=True), or without rng "
        f"if it takes tensors; got {function!r} with {signature}. Wrap it, for example: "
        "lambda x, p, rng, *, training: mine(x, p) if training else x."
    )


def _driven(function, takes_generator):
    """Make a function that draws from PyTorch's generators one over arrays and rng."""
    adapters = import_adapters()
    function = adapters.over_arrays(function)

    def called(x, p, rng, **options):
        own = [adapters.torch.Generator()] if takes_generator else []
        with adapters.driven_by(rng, *own):
            return function(x, p, *own, **options)

    return called


def _other_function(function, kind, framework):
    """Return a function that is handed its mask, or that draws one."""
    of_torch = str(getattr(function, "__module__", "")).startswith("companion.torch")
    framework = framework or ("torch" if of_torch else "numpy")
    if framework == "torch":
        function = import_adapters().over_arrays(function)
    return Judged(kind, framework, "function", function, {})


# Layers -------------------------------------------------------------------------------
class Maker:
    """Builds layers over arrays with (p, rng, **options), whatever a class takes."""

    def __init__(self, make, kept=(), axes=None):
        self.make, self.kept, self.axes = make, dict(kept), axes
        self.parameters = _parameters(make)
        self.generator = next((g for g in GENERATORS if g in self.parameters), None)
        self.of_torch = self.own_generator = False

    def __call__(self, p, rng, **options):
        arguments = {**self.kept, **options}
        if not self.of_torch:
            return self.make(p, **arguments, **{self.generator: rng})
        adapters, own = import_adapters(), []
        if self.generator and not self.own_generator:
            return adapters.ArrayLayer(self.make(p, **arguments, **{self.generator: rng}))
        check_generator(rng)
        if self.generator:
            own = [adapters.torch.Generator()]
            arguments[self.generator] = own[0]
        return adapters.ArrayLayer(self.make(p, **arguments), rng, *own)

    def refusal(self, case):
        """Say why a case cannot be looked at, or return None."""
        if self.axes not in (None, len(case.shape)):
            return f"x with {len(case.shape)} axes", f"the layer takes {self.axes}"
        for name, value in {**DEFAULTS, **case.options}.items():
            if name in case.options and not {name, "**"} & self.parameters.keys():
                return f"{name}={value}", "the constructor has no such argument"
            if self.kept.get(name, value) != value:
                return f"{name}={value}", f"the layer has {self.kept[name]}"
        return None

    def accepts(self, case):
        """Can a case be looked at?"""
        return self.refusal(case) is None


def _parameters(make):
    """Return the parameters of a constructor by name, ** for an open end."""
    parameters = inspect.signature(make).parameters.items()
    return {
        "**" if one.kind is one.VAR_KEYWORD else name: one for name, one in parameters
    }


def _layer(dropout, kind, framework, axes):
    """Find out how to build what was handed in as a layer, a class or a builder."""
    if kind in WEIGHTED:
        return _weighted(dropout, kind)
    if isinstance(dropout, type):
        form, maker, left_out = "class", Maker(dropout, axes=axes), {}
    elif _is_layer(dropout):
        form = "layer"
        kept, left_out = _kept_arguments(dropout)
        maker = Maker(type(dropout), kept, axes)
    else:
        form, maker, left_out = "function that builds a layer", Maker(dropout), {}
    is_module = _makes_modules(maker.make, maker.generator)
    if framework not in (None, "torch" if is_module else "numpy"):
        raise ValueError(
            f"framework must be {'torch' if is_module else 'numpy'!r} for {dropout!r}; "
            f"got {framework!r}."
        )
    cases = _cases(maker, kind, left_out)
    _check_constructor(maker, cases, is_module)
    if is_module:
        _choose_generator(maker, cases)
    return Judged(kind, "torch" if is_module else "numpy", form, maker, left_out)


def _weighted(cls, kind):
    """Return a class that is built with sizes, as its namesake in the companion is."""
    if not isinstance(cls, type):
        raise TypeError(f"dropout must be the class of a {kind}; got {cls!r}.")
    if _makes_modules(cls):
        return Judged(kind, "torch", "class", import_adapters().layer_of(cls), {})
    return Judged(kind, "numpy", "class", cls, {})


def _kept_arguments(layer):
    """Return what a layer was built with, as far as it keeps it under the same names."""
    kept, left_out = {}, {}
    for name, one in list(_parameters(type(layer)).items())[1:]:
        if name in GENERATORS or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        if hasattr(layer, name):
            kept[name] = getattr(layer, name)
        elif one.default is not one.empty:
            left_out[f"{name} of the layer"] = "it does not keep it; the default was used"
        else:
            raise TypeError(
                f"dropout must keep its argument {name!r}, so that it can be built with "
                f"other rates; got {layer!r}. Pass a function that builds it: "
                f"verify(lambda p, rng: ..., kind=...)."
            )
    return kept, left_out


def _makes_modules(make, generator=None):
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    if isinstance(make, type):
        return issubclass(make, torch.nn.Module)
    ways = [{}]
    if generator:
        ways = [{generator: _rng()}, {generator: torch.Generator()}]
    found = _first_that_works(ways, lambda way: make(P, **way), torch.nn.Module)
    return found is not None


def _cases(maker, kind, left_out):
    """Return the cases that can be looked at, and note the others."""
    refusals = [maker.refusal(case) for case in CASES.get(kind, [])]
    left_out.update(refusal for refusal in refusals if refusal)
    if refusals and all(refusals):
        raise ValueError(
            f"dropout must be buildable as a {kind} is; got {maker.make!r}: {left_out}. "
            "Pass the class, or another kind."
        )
    return [case for case in CASES.get(kind, []) if maker.accepts(case)]


def _check_constructor(maker, cases, is_module):
    """Raise unless p, a generator and the options of a case are all that is needed."""
    arguments = {**maker.kept, **(cases[0].options if cases else {})}
    if maker.generator or not is_module:
        arguments[maker.generator or "rng"] = None
    try:
        inspect.signature(maker.make).bind(P, **arguments)
    except TypeError as error:
        raise TypeError(
            f"dropout must be built from p and rng; got {maker.make!r}: {error}. Pass a "
            "function that builds it: verify(lambda p, rng: ..., kind=...)."
        ) from error


def _choose_generator(maker, cases):
    """Find out whether a module draws from a generator of NumPy or one of PyTorch."""
    maker.of_torch = True
    if not maker.generator:
        return
    case = cases[0] if cases else CASES["Dropout"][0]

    def attempt(own_generator):
        maker.own_generator = own_generator
        return maker(P, _rng(), **case.options)(np.ones(case.shape))

    maker.own_generator = bool(_first_that_works((False, True), attempt, np.ndarray))
