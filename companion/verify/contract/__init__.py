"""The contract: every property of a correct dropout, one module a topic.

A property is a function here, and so is its register: `property_of`. What every layer
on activations must have stands at the end of `dropout`. The faulty dropouts that a
property must notice stand in the module of `mutants` with the same name;
``python -m companion.verify kills granularity`` says which it notices.
"""

from companion.verify.contract import (
    dropout,
    granularity,
    masks,
    models,
    noise,
    weighted,
)
from companion.verify.contract._register import (
    PROPERTIES,
    Property,
    property_of,
    property_of_every_layer,
    violations,
)

__all__ = [
    "PROPERTIES",
    "Property",
    "dropout",
    "granularity",
    "masks",
    "models",
    "noise",
    "property_of",
    "property_of_every_layer",
    "violations",
    "weighted",
]
