"""Refusals of a transaction, and mistakes in contracts."""

import functools

from .checks import number


class ContractError(Exception):
    """A refusal by the contract: the client receives the message and the status.

    A status below 400 would be endorsed, so it becomes 500, the status of every error in Fabric's
    contract API.
    """

    # The default for subclasses that do not call `super().__init__`.
    status = 500

    @functools.cached_property
    def message(self):
        """Returns the text that the client receives."""
        return str(self) or type(self).__name__

    def __init__(self, message, status=500):
        super().__init__(message)
        self.message = str(message)
        self.status = refusing(status)


def refusing(status):
    """Returns a status with which a transaction is refused."""
    number(status, "the status of a ContractError")
    return status if status >= 400 else 500


class PeerError(ContractError):
    """A refusal by the peer. The text is Fabric's if Fabric has one.

    `kind` is one of invalid-argument (the call breaks a rule, nothing was recorded), not-permitted,
    unsupported (for example rich queries on a peer without them), limit-exceeded and
    ledger-failure.
    """

    def __init__(self, message, kind):
        super().__init__(message)
        self.kind = kind


class Defect(Exception):
    """A mistake in the contract's code, found before it runs: for example a type that a transaction
    cannot have, or two transactions with the same name."""
