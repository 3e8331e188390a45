"""Refusals of queries."""

# Maximum length of a value or a name in a text, in characters.
_SHOWN = 80


class Refusal(Exception):
    """A peer refuses the query with this text."""


class Unknown(Exception):
    """A peer may accept the query; the mock ledger does not support a part of it."""


def refusal(error, reason):
    """Returns the refusal with CouchDB's name of the error."""
    text = f"error handling CouchDB request. Error:{error},  Status Code:400,  Reason:{reason}"
    return Refusal(text)


def shorten(text):
    """Returns the beginning of a text."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
