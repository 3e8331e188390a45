"""The time of a transaction."""

import datetime
import re
from dataclasses import dataclass

from .errors import ContractError

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True, order=True)
class Timestamp:
    """Seconds and nanoseconds since 1970-01-01T00:00:00Z. As text it is RFC 3339."""

    seconds: int
    nanos: int = 0

    def datetime(self):
        """A `datetime` in UTC, which has microseconds only."""
        return _EPOCH + datetime.timedelta(seconds=self.seconds, microseconds=self.nanos // 1000)

    @classmethod
    def of(cls, moment):
        """The timestamp of a `datetime` that has a time zone."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone; add tzinfo=timezone.utc")
        delta = moment - _EPOCH
        return cls(delta.days * 86_400 + delta.seconds, delta.microseconds * 1000)

    @classmethod
    def parse(cls, text):
        """Reads RFC 3339, as in `2025-01-31T12:00:00.5Z`; digits beyond nanoseconds are ignored."""
        found = _RFC_3339.fullmatch(text)
        if not found:
            raise ContractError(f"{text[:64]!r} is not a time of RFC 3339", 400)
        moment, fraction, zone = found.groups()
        try:
            offset = datetime.timezone.utc if zone == "Z" else _zone(zone)
            whole = cls.of(datetime.datetime.fromisoformat(moment).replace(tzinfo=offset))
        except (ValueError, OverflowError) as error:
            raise ContractError(f"{text[:64]!r} is not a time of RFC 3339: {error}", 400) from None
        return cls(whole.seconds, int(((fraction or "") + "0" * 9)[:9]))

    def __str__(self):
        whole = (_EPOCH + datetime.timedelta(seconds=self.seconds)).replace(tzinfo=None)
        fraction = f".{self.nanos:09}".rstrip("0").rstrip(".")
        return f"{whole.isoformat()}{fraction}Z"


def _zone(text):
    hours, minutes = text[1:].split(":")
    delta = datetime.timedelta(hours=int(hours), minutes=int(minutes))
    return datetime.timezone(-delta if text[0] == "-" else delta)
