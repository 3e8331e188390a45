"""The answer of a chaincode."""

from dataclasses import dataclass

from .checks import as_bytes, number, readable, text
from .errors import ContractError


@dataclass(frozen=True)
class Response:
    """A status, a message and a payload. With a status of 400 or more, a transaction is refused."""

    status: int
    message: str = ""
    payload: bytes = b""

    def __post_init__(self):
        number(self.status, "the status")
        text(self.message, "the message")
        if not isinstance(self.payload, bytes):
            raise TypeError(f"the payload must be bytes, not {type(self.payload).__name__}")

    @classmethod
    def success(cls, payload=b""):
        """Returns status 200."""
        return cls(200, "", as_bytes(payload, "the payload"))

    @classmethod
    def error(cls, message, status=500):
        """Returns a refusal."""
        return cls(status, readable(message))

    def ok(self):
        """Returns the payload; raises `ContractError` if this is a refusal.

        For a refusal by the peer itself, the reason is in the payload.
        """
        if self.status < 400:
            return self.payload
        raise ContractError(self.message or self.payload.decode("utf-8", "replace"), self.status)
