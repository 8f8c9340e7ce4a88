"""The private names of PyTorch that this package needs: none of them has a public twin.

What PyTorch calls private may go. Each name here says what it is for and what happens
without it; the tests take them away one by one.
"""

import torch
from torch.autograd import forward_ad
from torch.compiler import is_compiling
from torch.fx.experimental.proxy_tensor import get_proxy_mode

# The dispatch keys of a tensor say what an operation on it passes through, those that
# are included what it passes through at present whatever the tensor is: a tracer, a
# transform, a mode. Without them, or without the level of forward mode, everything
# counts as watched: right, and slower.
_keys = getattr(torch._C, "_dispatch_keys", None)
_included = getattr(torch._C, "_dispatch_tls_local_include_set", None)
_CAN_ASK = None not in (_keys, _included) and hasattr(forward_ad, "_current_level")

# The keys of an eager operation on dense memory of the CPU; all others are special.
_SPECIAL = -1
for _key in ("CPU", "AutogradCPU", "AutocastCPU", "ADInplaceOrView", "BackendSelect"):
    if _CAN_ASK:
        _key = getattr(torch._C.DispatchKey, _key)
        _SPECIAL &= ~torch._C.DispatchKeySet(_key).raw_repr()

# Is code inside a transform of torch.func? vmap decides then whether a draw is shared.
# Without the name the answer is yes, which costs time and changes no result.
is_transformed = getattr(torch._C, "_are_functorch_transforms_active", lambda: True)

# The transforms of torch.func that this code is inside of. Without the name each of them
# is taken for vmap, and a draw inside it is refused while a compiler looks.
_interpreters = getattr(torch._C._functorch, "get_interpreter_stack", None)

# A tensor with a device and without numbers. Without the name PyTorch's own error stands.
_Fake = getattr(torch._subclasses, "FakeTensor", ())

# The number of the backward pass that runs now, or -1: a layer that draws in one would
# give a wrong gradient and say nothing. Without the name there is no way to notice.
if not hasattr(torch._C, "_current_graph_task_id"):
    raise ImportError(
        "companion.torch has to notice recomputation in the backward pass, and cannot in "
        f"torch {torch.__version__}, which lacks torch._C._current_graph_task_id. "
        "Use companion.numpy, or install one that fits: "
        'python -m pip install "dropout-verified-companion[torch]"'
    )


def is_in_backward_pass():
    """Does autograd run this code?"""
    return torch._C._current_graph_task_id() >= 0


@torch.compiler.assume_constant_result
def is_in_vmap():
    """Is this code inside torch.func.vmap? A compiler asks once, when it traces."""
    if _interpreters is None:
        return is_transformed()
    return any(level.key().name == "Vmap" for level in _interpreters() or ())


def is_recorded():
    """Does make_fx or a compiler record the operations, to run them later?"""
    return get_proxy_mode() is not None


def is_watched():
    """Does a compiler, tracer, transform, mode or forward-mode derivative see this?"""
    return (
        is_compiling()  # first: a compiler follows none of the others
        or not _CAN_ASK
        or forward_ad._current_level >= 0
        or _included().raw_repr() & _SPECIAL != 0
    )


def can_be_read(x):
    """May Python decide by the numbers in x? Nobody watches, and x has numbers."""
    return not is_watched() and not x.is_meta and not isinstance(x, _Fake)


def is_stray(x):
    """Is x a fake tensor outside the mode that made it?"""
    return isinstance(x, _Fake) and not is_watched()


def is_in_eager_memory(x):
    """Does x hold its numbers, as they are, in dense memory on the CPU, unwatched?"""
    return (
        not is_compiling()
        and _CAN_ASK
        and forward_ad._current_level < 0
        and (_included().raw_repr() | _keys(x).raw_repr()) & _SPECIAL == 0
    )
