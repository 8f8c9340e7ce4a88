"""Every public name of the package: the docstrings and the reference must hold them all."""

import importlib
import inspect
import pkgutil

import companion

MODULES = [
    importlib.import_module(info.name)
    for info in pkgutil.walk_packages(companion.__path__, "companion.")
    if not info.name.rpartition(".")[2].startswith("_")
    # Properties and mutants say in one sentence what they are: tests/verify holds them.
    and not info.name.startswith(
        ("companion.verify.contract.", "companion.verify.mutants.")
    )
]
PUBLIC = {
    f"{module.__name__}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if not name.startswith("_")
    and name in getattr(module, "__all__", [name])
    and (inspect.isfunction(value) or inspect.isclass(value))
    and value.__module__ == module.__name__
}
