"""A value that is used and never shown."""


class Secret:
    """A password or the like, which no log, error or repr shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(...)"

    def reveal(self) -> str:
        """Give the value, to whom it is for."""
        return self._value
