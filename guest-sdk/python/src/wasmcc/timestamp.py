"""The time of a transaction."""

import datetime
import re
from dataclasses import dataclass

from .errors import ContractError

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# Used before `fromisoformat`, whose 24:00 depends on Python's version. Zones are those of Go's
# `time.Parse`.
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)"
    r"(?:\.(\d+))?(Z|[+-](?:[01]\d|2[0-4]):(?:[0-5]\d|60))",
    re.ASCII,
)


@dataclass(frozen=True, order=True)
class Timestamp:
    """Seconds and nanoseconds since 1970-01-01T00:00:00Z. As text it is RFC 3339."""

    seconds: int
    nanos: int = 0

    def datetime(self):
        """Returns a `datetime` in UTC, which has microseconds only."""
        return _EPOCH + datetime.timedelta(seconds=self.seconds, microseconds=self.nanos // 1000)

    @classmethod
    def of(cls, moment):
        """Returns the timestamp of a `datetime` that has a time zone."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone; add tzinfo=timezone.utc")
        delta = moment - _EPOCH
        return cls(delta.days * 86_400 + delta.seconds, delta.microseconds * 1000)

    @classmethod
    def parse(cls, text):
        """Parses RFC 3339, as in `2025-01-31T12:00:00.5Z`; digits beyond nanoseconds are ignored.
        """
        found = _RFC_3339.fullmatch(text)
        if not found:
            raise ContractError(f"{text[:64]!r} is not a time of RFC 3339", 400)
        moment, fraction, zone = found.groups()
        try:
            whole = cls.of(datetime.datetime.fromisoformat(moment + "+00:00"))
        except (ValueError, OverflowError) as error:
            raise ContractError(f"{text[:64]!r} is not a time of RFC 3339: {error}", 400) from None
        seconds = whole.seconds - (0 if zone == "Z" else _offset(zone))
        return cls(seconds, int(((fraction or "") + "0" * 9)[:9]))

    def __str__(self):
        whole = (_EPOCH + datetime.timedelta(seconds=self.seconds)).replace(tzinfo=None)
        fraction = f".{self.nanos:09}".rstrip("0").rstrip(".")
        return f"{whole.isoformat()}{fraction}Z"


def _offset(zone):
    """Returns the seconds of a time zone."""
    hours, minutes = zone[1:].split(":")
    seconds = int(hours) * 3600 + int(minutes) * 60
    return -seconds if zone[0] == "-" else seconds
