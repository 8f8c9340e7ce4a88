"""The private names of PyTorch that this package needs: none of them has a public twin.

What PyTorch calls private may go. Each name here says what it is for and what happens
without it; the tests take them away one by one.
"""

import torch
from torch.autograd import forward_ad
from torch.compiler import is_compiling

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

# The number of the backward pass that runs now, or -1: a layer that draws in one would
# give a wrong gradient and say nothing. Without the name there is no way to notice.
if not hasattr(torch._C, "_current_graph_task_id"):
    raise ImportError(
        "companion.torch has to notice recomputation in the backward pass, and cannot in "
        f"torch {torch.__version__}, which lacks torch._C._current_graph_task_id. "
        "Install a version that requirements.txt names, or use companion.numpy."
    )


def is_in_backward_pass():
    """Does autograd run this code?"""
    return torch._C._current_graph_task_id() >= 0


def is_watched():
    """Does a compiler, tracer, transform, mode or forward-mode derivative see this?"""
    return (
        is_compiling()  # first: a compiler follows none of the others
        or not _CAN_ASK
        or forward_ad._current_level >= 0
        or _included().raw_repr() & _SPECIAL != 0
    )


def is_in_eager_memory(x):
    """Does x hold its numbers, as they are, in dense memory on the CPU, unwatched?"""
    return (
        not is_compiling()
        and _CAN_ASK
        and forward_ad._current_level < 0
        and (_included().raw_repr() | _keys(x).raw_repr()) & _SPECIAL == 0
    )
