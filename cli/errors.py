"""How a command ends: exit codes, and the error of a request that cannot be met. Imports nothing of weight."""

EXIT_PUBLISHED = 0
EXIT_REFUSED = 1
EXIT_DEAD_SOURCES = 3


class RequestError(ValueError):
    """What was asked for cannot be done as asked."""
