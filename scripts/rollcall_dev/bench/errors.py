"""What ends a bench without a result."""


class BenchError(Exception):
    """A measurement that is worth nothing, or could not be made, in one line."""
