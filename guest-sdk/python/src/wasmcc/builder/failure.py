"""Why there is no component."""


class BuildFailure(Exception):
    """The text says what is wrong, where, and what to do."""
