"""Is it right? One entrance, `verify`; behind it what it looks at, and what that notices.

`properties` holds what a quick look asks of any dropout, `contract` every property of
the companion's own, those marked `beyond` included, which a right dropout may lack;
`mutants` are the faulty dropouts that they must notice, and `adapters` make PyTorch
look like NumPy.
"""

from companion.verify.entrance import Report, Violation, verify

__all__ = ["Report", "Violation", "verify"]
