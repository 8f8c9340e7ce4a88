"""Which faulty dropouts does a property notice? python -m companion.verify kills."""

import argparse

import numpy as np

from companion.verify.contract import PROPERTIES
from companion.verify.mutants import MUTANTS, kills


def main(arguments=None):
    """Print the mutants that each property kills, and those that none kills."""
    parser = argparse.ArgumentParser("python -m companion.verify")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("kills", help="which mutants each property notices")
    command.add_argument("what", nargs="?", help="a topic or a property; all by default")
    what = parser.parse_args(arguments).what
    chosen = [one for one in PROPERTIES if what in (None, *_names(one))]
    if not chosen:
        topics = ", ".join(sorted({one.topic for one in PROPERTIES}))
        parser.error(f"{what!r} is no property, and no topic: those are {topics}")
    rng, survivors = np.random.default_rng(), dict(MUTANTS)
    for one in chosen:
        killed = kills(one, rng)
        print(f"{one.name}: {one.sentence}", *(killed or ["-"]), sep="\n    ")
        for name in killed:
            survivors.pop(name, None)
    if what in {None, *(one.topic for one in PROPERTIES)}:
        left = [name for name, one in survivors.items() if what in (None, one.topic)]
        print("noticed by none of these:", ", ".join(left) or "-")


def _names(one):
    """Return what a property can be called; one of every layer has no kind in front."""
    return one.topic, one.name, one.name.removeprefix(f"{one.needs[0]}_")


if __name__ == "__main__":
    main()
