"""The error of a build."""


class BuildFailure(Exception):
    """The text says what is wrong, where, and how to fix it."""
