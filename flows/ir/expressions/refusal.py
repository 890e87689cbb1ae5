"""The one way in which an expression is refused."""


class ExpressionRefused(Exception):
    """A text is no expression that may run; the message says what stands in the way."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
