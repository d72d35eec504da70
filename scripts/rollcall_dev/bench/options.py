"""Values of options."""

import argparse


def count(text: str) -> int:
    """Read a number of things, of which there must be one at least."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one is needed")
    return number
