"""Why a transaction is refused."""

import functools

from .checks import number


class ContractError(Exception):
    """A refusal of the contract: the client reads the message and the status.

    A status below 400 would be endorsed, so it becomes 500, the status of every error in Fabric's
    contract API.
    """

    # Those of a class that does not call `super().__init__`.
    status = 500

    @functools.cached_property
    def message(self):
        """What the client reads."""
        return str(self) or type(self).__name__

    def __init__(self, message, status=500):
        super().__init__(message)
        self.message = str(message)
        self.status = refusing(status)


def refusing(status):
    """A status with which a transaction is refused."""
    number(status, "the status of a ContractError")
    return status if status >= 400 else 500


class PeerError(ContractError):
    """A refusal of the peer. The text is Fabric's where Fabric has one.

    `kind` is one of invalid-argument (a rule of the call is broken, nothing was recorded),
    not-permitted, unsupported (as rich queries on a peer without CouchDB's), limit-exceeded and
    ledger-failure.
    """

    def __init__(self, message, kind):
        super().__init__(message)
        self.kind = kind


class Defect(Exception):
    """A mistake in the contract's code, found before it runs: a type that a transaction cannot
    have, two transactions with one name."""
