"""Why a query is refused."""

# Characters of a value or a name that a text repeats.
_SHOWN = 80


class Refusal(Exception):
    """A peer refuses the query with this text."""


class Unknown(Exception):
    """A peer may take the query; the mock ledger does not know a part of it."""


def refusal(error, reason):
    """The refusal with CouchDB's name of the error."""
    text = f"error handling CouchDB request. Error:{error},  Status Code:400,  Reason:{reason}"
    return Refusal(text)


def shorten(text):
    """The beginning of a text."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
